//go:build race

package lake

import "github.com/apache/arrow-go/v18/parquet/compress"

// Parquet pages are compressed by encoders from a sync.Pool, which under the race
// detector forgets every fourth at random: a new one, of megabytes, for every
// fourth page, and half of the time of some tests. The codec's shared encoder of
// the same level writes the same bytes. Codecs are registered before they are used.
func init() {
	zstd, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		panic(err)
	}
	compress.RegisterCodec(compress.Codecs.Zstd, unpooled{zstd.(codec)})
}

type codec interface {
	compress.ErrorCodec
	compress.StreamingCodec
}

type unpooled struct{ codec }

func (u unpooled) EncodeLevel(dst, src []byte, _ int) []byte { return u.Encode(dst, src) }
