package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The one example with a range that Amazon's description of signatures works out to the end.
func TestSignaturesAreThoseOfTheDescription(t *testing.T) {
	key := awsKey{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"}
	request, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Range", "bytes=0-9")
	key.sign(request, nil, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " +
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got := request.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhoSignedIsVerified(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	keys := map[string]string{"ID": "secret"}
	for name, c := range map[string]struct {
		key    awsKey
		body   string
		later  time.Duration
		change func(*http.Request)
		want   string
	}{
		"good":            {awsKey{"ID", "secret", "eu-west-1"}, "body", time.Minute, nil, ""},
		"another secret":  {awsKey{"ID", "guess", "eu-west-1"}, "body", 0, nil, "SignatureDoesNotMatch"},
		"another key":     {awsKey{"NOBODY", "secret", "eu-west-1"}, "body", 0, nil, "InvalidAccessKeyId"},
		"another region":  {awsKey{"ID", "secret", "us-east-1"}, "body", 0, nil, "AuthorizationHeaderMalformed"},
		"another body":    {awsKey{"ID", "secret", "eu-west-1"}, "changed", 0, nil, "XAmzContentSHA256Mismatch"},
		"too late":        {awsKey{"ID", "secret", "eu-west-1"}, "body", time.Hour, nil, "RequestTimeTooSkewed"},
		"another path":    {awsKey{"ID", "secret", "eu-west-1"}, "body", 0, func(r *http.Request) { r.URL.Path = "/x/z" }, "SignatureDoesNotMatch"},
		"another method":  {awsKey{"ID", "secret", "eu-west-1"}, "body", 0, func(r *http.Request) { r.Method = "DELETE" }, "SignatureDoesNotMatch"},
		"without":         {awsKey{"ID", "secret", "eu-west-1"}, "body", 0, func(r *http.Request) { r.Header.Del("Authorization") }, "AccessDenied"},
		"nothing of date": {awsKey{"ID", "secret", "eu-west-1"}, "body", 0, unsign("x-amz-date"), "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(http.MethodPut, "http://s3/x/y", nil)
			if err != nil {
				t.Fatal(err)
			}
			c.key.sign(request, []byte("body"), now)
			if c.change != nil {
				c.change(request)
			}
			got := ""
			if refused := verify(request, []byte(c.body), "eu-west-1", keys, now.Add(c.later)); refused != nil {
				got = refused.code
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// unsign takes a header out of those that are signed.
func unsign(header string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";"+header, "", 1))
	}
}
