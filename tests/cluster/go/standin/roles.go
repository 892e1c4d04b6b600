package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// record is what travels from a publisher over a queue to a collector.
type record struct {
	Key  string            `json:"key"`
	Time time.Time         `json:"time"`
	Row  map[string]string `json:"row"`
}

type counters struct {
	Published, Queued, Collected, Dropped atomic.Int64
}

func (s *server) startRole(ctx context.Context, role contract.Role, muxes map[string]*http.ServeMux) error {
	switch {
	case role.CSVPublisher != nil:
		return s.startPublisher(ctx, *role.CSVPublisher)
	case role.Queue != nil:
		return s.startQueue(*role.Queue, muxes[role.Queue.Listen])
	case role.Collector != nil:
		return s.startCollector(ctx, *role.Collector, muxes[role.Collector.Listen])
	case role.Etcd != nil:
		return s.startEtcd(ctx, *role.Etcd, muxes[role.Etcd.Listen])
	case role.Importer != nil:
		return s.startImporter(ctx, *role.Importer, muxes[role.Importer.Listen])
	case role.Folders != nil:
		return s.startFolders(*role.Folders, muxes[role.Folders.Listen])
	case role.Balancer != nil:
		return s.startBalancer(*role.Balancer, muxes[role.Balancer.Listen])
	case role.Worker != nil:
		return s.startWorker(ctx, *role.Worker, muxes[role.Worker.Listen])
	case role.Maker != nil:
		return s.startMaker(ctx, *role.Maker, muxes[role.Maker.Listen])
	case role.Rights != nil:
		return s.startRights(ctx, *role.Rights)
	case role.Member != nil:
		return s.startMember(ctx, *role.Member)
	case role.Filter != nil:
		return s.startFilter(*role.Filter, muxes[role.Filter.Listen])
	case role.DevicePlugin != nil:
		return s.startDevicePlugin(ctx, *role.DevicePlugin)
	case role.Modules != nil:
		return s.startModules(ctx, *role.Modules, muxes[role.Modules.Listen])
	case role.Executor != nil:
		return s.startExecutor(ctx, *role.Executor, muxes[role.Executor.Listen])
	case role.Bucket != nil:
		return s.startBucket(*role.Bucket, muxes[role.Bucket.Listen])
	case role.Trial != nil:
		return s.startTrial(ctx, *role.Trial, muxes[role.Trial.Listen])
	default:
		return s.startProxy(*role.Proxy, muxes[role.Proxy.Listen])
	}
}

// startProxy hands requests on, and answers 502 when it cannot, and 401 without the token that is asked for.
func (s *server) startProxy(p contract.Proxy, mux *http.ServeMux) error {
	if err := s.expandAll(&p.To, &p.Authorization, &p.Bearer); err != nil {
		return err
	}
	to, err := url.Parse(p.To)
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Path = strings.TrimPrefix(r.Out.URL.Path, p.Strip)
		r.Out.URL.RawPath = ""
		r.SetURL(to)
	}}
	mux.HandleFunc(p.Prefix, func(w http.ResponseWriter, r *http.Request) {
		if p.Authorization != "" && r.Header.Get("Authorization") != p.Authorization {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		if p.Bearer != "" && r.Header.Get("Authorization") != "Bearer "+p.Bearer {
			s.log("refused: %s %s", r.Method, r.URL.Path)
			http.Error(w, `{"detail":"Unauthorized"}`, http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})
	return nil
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

// expandAll fills in several templates at once.
func (s *server) expandAll(texts ...*string) error { return expandIn(s.values, texts...) }
