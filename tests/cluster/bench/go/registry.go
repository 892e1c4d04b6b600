package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
)

// registry speaks as much of the /v2/ API as a container runtime needs to learn that there is nothing for it.
func registry([]string) error {
	certificate, _, err := selfSigned("registry.test")
	if err != nil {
		return err
	}
	missing := answer(http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	private := answer(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	failed := make(chan error)
	for port, handler := range map[int]http.Handler{5404: missing, 5401: private, 5443: missing} {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		if port == 5443 {
			listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
		}
		go func() { failed <- http.Serve(listener, handler) }()
	}
	fmt.Println("ready")
	return <-failed
}

func answer(status int, code, message string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		w.Header().Set("Content-Type", "application/json")
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="seaworthy test"`)
		} else if r.URL.Path == "/v2/" {
			w.WriteHeader(http.StatusOK)
			return
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
	})
}
