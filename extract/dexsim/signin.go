package dexsim

import (
	"context"
	"errors"
	"net/http"
)

// SignIn signs user in at the login page that address leads to, by the back door instead of
// a browser, and returns where the browser would be sent.
func SignIn(ctx context.Context, address, user string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"&user="+user, nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if location := response.Header.Get("Location"); location != "" {
		return location, nil
	}
	return "", errors.New("the login page did not redirect")
}
