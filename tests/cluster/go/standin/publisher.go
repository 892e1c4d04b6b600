package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

func (s *server) startPublisher(ctx context.Context, p contract.CSVPublisher) error {
	if err := s.expandAll(&p.File, &p.To, &p.Rate, &p.Workers); err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(p.Rate, 64)
	if err != nil || rate <= 0 {
		return fmt.Errorf("csv-publisher: rate %q", p.Rate)
	}
	workers, err := strconv.Atoi(p.Workers)
	if err != nil || workers < 1 {
		return fmt.Errorf("csv-publisher: workers %q", p.Workers)
	}
	records, err := readRecords(p.File, p.Key)
	if err != nil {
		return err
	}
	for range workers {
		go s.publish(ctx, p.To, records, time.Duration(float64(time.Second)/rate))
	}
	return nil
}

func readRecords(file string, keys []string) ([]record, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 {
		return nil, fmt.Errorf("%s: no rows", file)
	}
	header := rows[0]
	at := slices.IndexFunc(keys, func(k string) bool { return slices.Contains(header, k) })
	if at < 0 {
		return nil, fmt.Errorf("%s: no column %v", file, keys)
	}
	var records []record
	for _, row := range rows[1:] {
		fields := map[string]string{}
		for i, column := range header {
			fields[column] = row[i]
		}
		records = append(records, record{Key: fields[keys[at]], Row: fields})
	}
	return records, nil
}

// publish goes round and round the records; a failure is told once.
func (s *server) publish(ctx context.Context, to string, records []record, pause time.Duration) {
	told := false
	for i := 0; ctx.Err() == nil; {
		time.Sleep(pause)
		if s.faults.has("stop") {
			continue
		}
		r := records[i%len(records)]
		r.Time = time.Now().UTC()
		err := post(ctx, to, r)
		if err != nil {
			if !told {
				s.log("publish failed: %v", err)
			}
			told = true
			continue
		}
		if told {
			s.log("publish works again")
		}
		told = false
		s.counters.Published.Add(1)
		i++
	}
}

func post(ctx context.Context, to string, r record) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("POST %s: %s", to, answer.Status)
	}
	return nil
}
