package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FreeSpace yields what the files of the state in a folder hold where no row is: free
// pages, the room between the rows of a page, and whatever waits in the write-ahead log of
// these. It reads the files as they are, for who looks for what should be wiped.
func FreeSpace(dir string, yield func(file string, bytes []byte)) error {
	for _, name := range []string{"state.db", "state.db-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(content) == 0 {
			continue
		}
		if err != nil {
			return err
		}
		found := func(b []byte) { yield(name, b) }
		if name == "state.db" {
			err = freeInFile(content, found)
		} else {
			err = freeInLog(content, found)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

var errNoPages = errors.New("its pages cannot be told apart")

// freeInFile goes through the pages of a database (https://sqlite.org/fileformat.html).
func freeInFile(b []byte, found func([]byte)) error {
	if len(b) < 100 {
		return errNoPages
	}
	size := pageSize(int(binary.BigEndian.Uint16(b[16:])))
	if size < 512 || len(b)%size != 0 {
		return errNoPages
	}
	free := freePages(b, size)
	for at, n := 0, uint32(1); at < len(b); at, n = at+size, n+1 {
		page := b[at : at+size]
		if free[n] {
			found(page)
			continue
		}
		freeInPage(page, n == 1, found)
	}
	return nil
}

func pageSize(said int) int {
	if said == 1 {
		return 65536
	}
	return said
}

// freePages are the numbers of the pages on the list of free ones.
func freePages(b []byte, size int) map[uint32]bool {
	free := map[uint32]bool{}
	for trunk := binary.BigEndian.Uint32(b[32:]); trunk > 0 && !free[trunk] && int(trunk)*size <= len(b); {
		free[trunk] = true
		page := b[(int(trunk)-1)*size:][:size]
		count := min(int(binary.BigEndian.Uint32(page[4:])), size/4-2)
		for i := range count {
			free[binary.BigEndian.Uint32(page[8+4*i:])] = true
		}
		trunk = binary.BigEndian.Uint32(page)
	}
	return free
}

// freeInPage tells of the room in a page of a b-tree: between the list of its cells and the
// first of them, and between these.
func freeInPage(page []byte, first bool, found func([]byte)) {
	head := 0
	if first {
		head = 100
	}
	long := map[byte]int{2: 12, 5: 12, 10: 8, 13: 8}[page[head]]
	if long == 0 {
		return // no b-tree: what overflows a row
	}
	number := func(at int) int { return int(binary.BigEndian.Uint16(page[at:])) }
	cells, content := head+long+2*number(head+3), number(head+5)
	if content == 0 {
		content = len(page)
	}
	if cells <= content && content <= len(page) {
		found(page[cells:content])
	}
	for block, seen := number(head+1), 0; block > 0 && block+4 <= len(page) && seen < len(page); seen++ {
		end := min(block+number(block+2), len(page))
		if end > block+4 {
			found(page[block+4 : end])
		}
		block = number(block)
	}
}

// freeInLog goes through the frames of a write-ahead log, each of which is a page.
func freeInLog(b []byte, found func([]byte)) error {
	const logHead, frameHead = 32, 24
	if len(b) < logHead {
		return errNoPages
	}
	size := int(binary.BigEndian.Uint32(b[8:]))
	if size < 512 {
		return errNoPages
	}
	for at := logHead; at+frameHead+size <= len(b); at += frameHead + size {
		first := binary.BigEndian.Uint32(b[at:]) == 1
		freeInPage(b[at+frameHead:][:size], first, found)
	}
	return nil
}
