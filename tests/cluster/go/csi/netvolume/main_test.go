package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestOneNodeAtATimeHasAVolume(t *testing.T) {
	d := &driver{store: t.TempDir()}
	if err := os.Mkdir(filepath.Join(d.store, "v"), 0o700); err != nil {
		t.Fatal(err)
	}
	attach := func(volume, node string) codes.Code {
		_, err := d.ControllerPublishVolume(context.Background(), &csi.ControllerPublishVolumeRequest{VolumeId: volume, NodeId: node})
		return status.Code(err)
	}
	detach := func(node string) {
		if _, err := d.ControllerUnpublishVolume(context.Background(), &csi.ControllerUnpublishVolumeRequest{VolumeId: "v", NodeId: node}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, wanted, got codes.Code) {
		if wanted != got {
			t.Errorf("%s: %v, not %v", what, got, wanted)
		}
	}
	want("the first", codes.OK, attach("v", "a"))
	want("the same again", codes.OK, attach("v", "a"))
	want("another one meanwhile", codes.FailedPrecondition, attach("v", "b"))
	detach("b")
	want("after another one gave it back", codes.FailedPrecondition, attach("v", "b"))
	detach("a")
	detach("a")
	want("after it was given back", codes.OK, attach("v", "b"))
	want("one that is not there", codes.NotFound, attach("w", "a"))
	want("one outside of the store", codes.InvalidArgument, attach("../v", "a"))
}

func TestANodeThatDoesNotHaveAVolumeIsNotGivenIt(t *testing.T) {
	d := &driver{store: t.TempDir(), node: "a"}
	if err := os.Mkdir(filepath.Join(d.store, "v"), 0o700); err != nil {
		t.Fatal(err)
	}
	request := &csi.NodePublishVolumeRequest{VolumeId: "v", TargetPath: filepath.Join(t.TempDir(), "target")}
	for _, owner := range []string{"", "b"} {
		if owner != "" {
			if err := os.WriteFile(d.note("v"), []byte(owner), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.NodePublishVolume(context.Background(), request); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("attached to %q: %v", owner, err)
		}
	}
}

func TestOnlyAFileSystemOfItsOwnGrows(t *testing.T) {
	d := &driver{store: t.TempDir()}
	if err := os.Mkdir(filepath.Join(d.store, "v"), 0o700); err != nil {
		t.Fatal(err)
	}
	for volume, wanted := range map[string]codes.Code{"v": codes.FailedPrecondition, "w": codes.NotFound, "../v": codes.InvalidArgument} {
		request := &csi.ControllerExpandVolumeRequest{VolumeId: volume, CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 20}}
		if _, err := d.ControllerExpandVolume(context.Background(), request); status.Code(err) != wanted {
			t.Errorf("%s: %v, not %v", volume, err, wanted)
		}
	}
}
