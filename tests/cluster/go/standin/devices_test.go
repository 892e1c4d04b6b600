package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	devices "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"

	"seaworthy.test/cluster/internal/contract"
)

// kubelet is as much of one as a device plugin asks for; the real one is in the cluster's tests.
type kubelet struct {
	devices.UnimplementedRegistrationServer
	registered chan *devices.RegisterRequest
}

func (k *kubelet) Register(_ context.Context, asked *devices.RegisterRequest) (*devices.Empty, error) {
	k.registered <- asked
	return &devices.Empty{}, nil
}

func TestDevicesAreOfferedAndOfferedAgain(t *testing.T) {
	dir := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, "kubelet.sock"))
	if err != nil {
		t.Fatal(err)
	}
	k := &kubelet{registered: make(chan *devices.RegisterRequest, 4)}
	web := grpc.NewServer()
	devices.RegisterRegistrationServer(web, k)
	go web.Serve(listener)
	defer web.Stop()

	start(t, "roles: [{device-plugin: {dir: "+dir+", socket: gpu.sock, resource: example.com/gpu, count: '3'}}]\n")
	if got := next(t, k); got.ResourceName != "example.com/gpu" || got.Endpoint != "gpu.sock" {
		t.Errorf("registered: %v", got)
	}
	if count := offered(t, filepath.Join(dir, "gpu.sock")); count != 3 {
		t.Errorf("%d devices", count)
	}
	// As a kubelet does that was started anew.
	if err := os.Remove(filepath.Join(dir, "gpu.sock")); err != nil {
		t.Fatal(err)
	}
	next(t, k)
	if count := offered(t, filepath.Join(dir, "gpu.sock")); count != 3 {
		t.Errorf("%d devices the second time", count)
	}
}

func next(t *testing.T, k *kubelet) *devices.RegisterRequest {
	t.Helper()
	select {
	case asked := <-k.registered:
		return asked
	case <-time.After(10 * time.Second):
		t.Fatal("nobody registered")
	}
	return nil
}

func offered(t *testing.T, socket string) int {
	t.Helper()
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	stream, err := devices.NewDevicePluginClient(connection).ListAndWatch(t.Context(), &devices.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return len(answer.Devices)
}

func TestWithoutAKubeletThereIsNoStart(t *testing.T) {
	text := "roles: [{device-plugin: {dir: " + t.TempDir() + ", resource: example.com/gpu, count: '1'}}]\n"
	c := parse(t, text)
	err := newServer(c, c.Defaults(), nil).startDevicePlugin(t.Context(), *c.Roles[0].DevicePlugin)
	if err == nil || !strings.Contains(err.Error(), "does not take") {
		t.Errorf("got %v", err)
	}
	bad := contract.DevicePlugin{Dir: t.TempDir(), Resource: "x", Count: "many"}
	if err := newServer(c, c.Defaults(), nil).startDevicePlugin(t.Context(), bad); err == nil {
		t.Error("a count that is no number was accepted")
	}
}
