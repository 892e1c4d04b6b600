package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/lib/pq"

	"seaworthy.test/cluster/internal/contract"
)

// remoteStore keeps modules in a bucket and what is known of them in a database; what it fetched stays in a folder.
type remoteStore struct {
	database *sql.DB
	objects  *objectStore
	cache    string
}

// remotePatience is how long a database that does not answer is waited for at the start.
const remotePatience = 20 * time.Second

// openRemote waits for a database that does not answer yet; what it refuses, and what the bucket refuses, ends the start.
func (s *server) openRemote(ctx context.Context, spec contract.Modules, objects *objectStore) (moduleStore, error) {
	address, err := postgresAddress(spec.Postgres)
	if err != nil {
		return nil, err
	}
	database, err := sql.Open("postgres", address)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, remotePatience)
	defer cancel()
	if err := s.prepareDatabase(limited, database); err != nil {
		database.Close()
		return nil, fmt.Errorf("database %s at %s: %w", spec.Postgres.Database, spec.Postgres.Host, err)
	}
	if err := objects.look(limited); err != nil {
		return nil, fmt.Errorf("bucket %s: %w", objects.spec.Bucket, err)
	}
	s.log("modules are in database %s and bucket %s", spec.Postgres.Database, objects.spec.Bucket)
	return &remoteStore{database, objects, spec.Cache}, nil
}

func postgresAddress(spec contract.Postgres) (string, error) {
	password, err := os.ReadFile(spec.Password)
	if err != nil {
		return "", err
	}
	options := url.Values{"sslmode": {"disable"}, "connect_timeout": {"5"}}
	if spec.Certificate != "" {
		options = url.Values{"sslmode": {"verify-ca"}, "sslrootcert": {spec.Certificate}, "connect_timeout": {"5"}}
	}
	address := url.URL{Scheme: "postgres", User: url.UserPassword(spec.User, string(password)),
		Host: spec.Host + ":" + spec.Port, Path: spec.Database, RawQuery: options.Encode()}
	return address.String(), nil
}

func (s *server) prepareDatabase(ctx context.Context, database *sql.DB) error {
	var last string
	for {
		_, err := database.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS modules (name text PRIMARY KEY, bytes bigint NOT NULL, hash text NOT NULL)`)
		var refused *pq.Error
		if err == nil || errors.As(err, &refused) || ctx.Err() != nil {
			return err
		}
		if err.Error() != last {
			last = err.Error()
			s.log("waiting for the database: %s", last)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retry):
		}
	}
}

// put writes the object first: metadata never names what is not there.
func (r *remoteStore) put(ctx context.Context, about module, data []byte) error {
	if err := r.objects.put(ctx, about.Name, data); err != nil {
		return err
	}
	_, err := r.database.ExecContext(ctx, `INSERT INTO modules (name, bytes, hash) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes, hash = excluded.hash`, about.Name, about.Bytes, about.Hash)
	return err
}

func (r *remoteStore) get(ctx context.Context, name string) ([]byte, error) {
	var hash string
	err := r.database.QueryRowContext(ctx, `SELECT hash FROM modules WHERE name = $1`, name).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoModule
	}
	if err != nil {
		return nil, err
	}
	cached := filepath.Join(r.cache, hash)
	if data, err := os.ReadFile(cached); err == nil && hexHash(data) == hash {
		return data, nil
	}
	data, err := r.objects.get(ctx, name)
	if err != nil {
		return nil, err
	}
	if hexHash(data) != hash {
		return nil, fmt.Errorf("module %s: the object is not the one that was registered", name)
	}
	return data, replace(cached, data)
}

func (r *remoteStore) list(ctx context.Context) ([]module, error) {
	rows, err := r.database.QueryContext(ctx, `SELECT name, bytes, hash FROM modules ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []module{}
	for rows.Next() {
		var one module
		if err := rows.Scan(&one.Name, &one.Bytes, &one.Hash); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
