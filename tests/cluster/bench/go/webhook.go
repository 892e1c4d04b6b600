package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
)

type review struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Request    *struct {
		UID string `json:"uid"`
	} `json:"request,omitempty"`
	Response *response `json:"response,omitempty"`
}

type response struct {
	UID     string `json:"uid"`
	Allowed bool   `json:"allowed"`
	Status  struct {
		Message string `json:"message"`
	} `json:"status"`
}

// webhook denies whatever it is asked.
func webhook(arguments []string) error {
	flags := flag.NewFlagSet("webhook", flag.ExitOnError)
	authority := flags.String("ca", "", "where to write the authority")
	address := flags.String("listen", "127.0.0.1:0", "where to listen")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	certificate, text, err := selfSigned("localhost")
	if err != nil {
		return err
	}
	if err := os.WriteFile(*authority, text, 0o600); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	fmt.Printf("https://%s\n", listener.Addr())
	listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	return http.Serve(listener, http.HandlerFunc(deny))
}

func deny(w http.ResponseWriter, r *http.Request) {
	var asked review
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Request == nil {
		http.Error(w, "not an AdmissionReview", http.StatusBadRequest)
		return
	}
	told := review{APIVersion: asked.APIVersion, Kind: asked.Kind, Response: &response{UID: asked.Request.UID}}
	told.Response.Status.Message = "no changes on a Friday"
	w.Header().Set("Content-Type", "application/json")
	// A caller that has gone is not waited for.
	_ = json.NewEncoder(w).Encode(told)
}
