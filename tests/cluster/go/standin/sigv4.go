package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// How requests to AWS are signed (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html), for paths without
// characters that would have to be escaped and without a query.
const (
	algorithm  = "AWS4-HMAC-SHA256"
	amzTime    = "20060102T150405Z"
	hashHeader = "X-Amz-Content-Sha256"
	dateHeader = "X-Amz-Date"
)

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// awsKey is an access key for the services of a region.
type awsKey struct{ id, secret, region string }

func (k awsKey) scope(day string) string { return day + "/" + k.region + "/s3/aws4_request" }

// sign adds what proves that the request comes from the key's owner.
func (k awsKey) sign(r *http.Request, body []byte, now time.Time) {
	date := now.UTC().Format(amzTime)
	r.Header.Set(dateHeader, date)
	r.Header.Set(hashHeader, hexHash(body))
	signed := []string{"host"}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") || lower == "range" {
			signed = append(signed, lower)
		}
	}
	slices.Sort(signed)
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, k.id, k.scope(date[:8]), strings.Join(signed, ";"), k.signature(r, signed, date)))
}

func (k awsKey) signature(r *http.Request, signed []string, date string) string {
	key := []byte("AWS4" + k.secret)
	for _, part := range strings.Split(k.scope(date[:8]), "/") {
		key = keyed(key, part)
	}
	request := hexHash([]byte(canonical(r, signed)))
	return hex.EncodeToString(keyed(key, strings.Join([]string{algorithm, date, k.scope(date[:8]), request}, "\n")))
}

func canonical(r *http.Request, signed []string) string {
	lines := []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery}
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		lines = append(lines, name+":"+strings.TrimSpace(value))
	}
	return strings.Join(append(lines, "", strings.Join(signed, ";"), r.Header.Get(hashHeader)), "\n")
}

// refusedKey is why a request is not believed: a code of S3's, and what it is about.
type refusedKey struct {
	status     int
	code, text string
}

// verify finds the key that a request was signed with, and says what is wrong with it.
func verify(r *http.Request, body []byte, region string, keys map[string]string, now time.Time) *refusedKey {
	header := r.Header.Get("Authorization")
	if header == "" {
		return &refusedKey{http.StatusForbidden, "AccessDenied", "the request is not signed"}
	}
	parts := map[string]string{}
	for _, part := range strings.Split(strings.TrimPrefix(header, algorithm+" "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	id, scope, _ := strings.Cut(parts["Credential"], "/")
	key := awsKey{id, keys[id], region}
	date := r.Header.Get(dateHeader)
	sent, err := time.Parse(amzTime, date)
	switch {
	case err != nil || now.Sub(sent).Abs() > 15*time.Minute:
		return &refusedKey{http.StatusForbidden, "RequestTimeTooSkewed", "the request was signed at " + date}
	case scope != key.scope(date[:8]):
		return &refusedKey{http.StatusBadRequest, "AuthorizationHeaderMalformed", "signed for " + scope + ", expecting " + region}
	case key.secret == "":
		return &refusedKey{http.StatusForbidden, "InvalidAccessKeyId", "there is no key " + id}
	case r.Header.Get(hashHeader) != hexHash(body):
		return &refusedKey{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "the body is not the one that was signed"}
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	for _, wanted := range []string{"host", strings.ToLower(dateHeader), strings.ToLower(hashHeader)} {
		if !slices.Contains(signed, wanted) {
			return &refusedKey{http.StatusForbidden, "AccessDenied", wanted + " is not signed"}
		}
	}
	if !hmac.Equal([]byte(parts["Signature"]), []byte(key.signature(r, signed, date))) {
		return &refusedKey{http.StatusForbidden, "SignatureDoesNotMatch", "the secret key is another one"}
	}
	return nil
}
