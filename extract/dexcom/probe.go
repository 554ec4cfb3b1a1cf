package dexcom

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Probe asks the API for something without a token, which it refuses: enough
// to know that it can be reached. It returns the time of the answer by the
// server's clock, zero if it does not say. An error means that nothing that
// looks like the API answered: the transport's, or a *StatusError.
func (c *Client) Probe(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	response, err := c.send(ctx, "", Request{Resource: DataRange})
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return time.Time{}, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest, http.StatusTooManyRequests:
		return dateOf(response), nil
	}
	return dateOf(response), statusError(response, DataRange.path(), "")
}
