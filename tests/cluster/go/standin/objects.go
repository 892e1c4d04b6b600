package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// madeObject is one that was made, and where it is.
type madeObject struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	UID       string `json:"uid"`
	State     string `json:"state,omitempty"`
	version   string
	path      string
}

// own makes the first object the owner of another.
func own(document map[string]any, owner madeObject) {
	metadata := document["metadata"].(map[string]any)
	metadata["ownerReferences"] = []any{map[string]any{
		"apiVersion": owner.version, "kind": owner.Kind, "name": owner.Name, "uid": owner.UID, "controller": true,
	}}
}

// create sends an object; a field that its kind does not have is refused.
func (k *kube) create(ctx context.Context, document map[string]any, namespace string) (madeObject, error) {
	version, kind := document["apiVersion"].(string), document["kind"].(string)
	metadata := document["metadata"].(map[string]any)
	if given, ok := metadata["namespace"].(string); ok {
		namespace = given
	}
	collection, err := k.collection(ctx, version, kind, namespace)
	if err != nil {
		return madeObject{}, err
	}
	body, err := json.Marshal(document)
	if err != nil {
		return madeObject{}, err
	}
	answer, err := k.ask(ctx, http.MethodPost, collection+"?fieldValidation=Strict", "application/json", body)
	if err != nil {
		return madeObject{}, err
	}
	var live struct {
		Metadata struct{ Name, Namespace, UID string }
	}
	if err := json.Unmarshal(answer, &live); err != nil {
		return madeObject{}, err
	}
	return madeObject{Kind: kind, Name: live.Metadata.Name, Namespace: live.Metadata.Namespace, UID: live.Metadata.UID,
		version: version, path: collection + "/" + live.Metadata.Name}, nil
}

// clear deletes the objects, the last one first.
func (m *maker) clear(ctx context.Context, done *made) error {
	for _, object := range slices.Backward(done.objects) {
		if slices.Contains(m.spec.Leaves, object.Kind) {
			continue
		}
		_, err := m.kube.ask(ctx, http.MethodDelete, object.path, "application/json", []byte(`{"propagationPolicy":"Background"}`))
		var refused refusal
		if errors.As(err, &refused) && refused.status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot delete %s %s: %w", object.Kind, object.Name, err)
		}
		m.server.log("deleted %s %s", object.Kind, object.Name)
	}
	return nil
}

// look reads the objects again, when that is asked for.
func (m *maker) look(ctx context.Context, objects []madeObject) ([]madeObject, error) {
	if m.spec.Follow == nil || !m.spec.Follow.Objects {
		return objects, nil
	}
	seen := slices.Clone(objects)
	for i := range seen {
		_, err := m.kube.ask(ctx, http.MethodGet, seen[i].path, "", nil)
		var refused refusal
		switch {
		case err == nil:
			seen[i].State = "there"
		case errors.As(err, &refused) && refused.status == http.StatusNotFound:
			seen[i].State = "gone"
		default:
			return nil, fmt.Errorf("cannot read %s %s: %w", seen[i].Kind, seen[i].Name, err)
		}
	}
	return seen, nil
}
