package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	devices "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"

	"seaworthy.test/cluster/internal/contract"
)

// lookEvery is how often it looks whether a kubelet that was started anew has thrown the socket away.
const lookEvery = time.Second

// devicePlugin offers devices that are nothing but numbers.
type devicePlugin struct {
	devices.UnimplementedDevicePluginServer
	offered []*devices.Device
	end     context.Context
}

func (s *server) startDevicePlugin(ctx context.Context, spec contract.DevicePlugin) error {
	if err := s.expandAll(&spec.Dir, &spec.Count); err != nil {
		return err
	}
	count, err := strconv.Atoi(spec.Count)
	if err != nil || count < 1 {
		return fmt.Errorf("device-plugin: count %q", spec.Count)
	}
	plugin := &devicePlugin{end: ctx}
	for i := range count {
		plugin.offered = append(plugin.offered, &devices.Device{ID: strconv.Itoa(i), Health: devices.Healthy})
	}
	stop, err := plugin.offer(ctx, spec)
	if err != nil {
		return err
	}
	s.log("offers %d of %s", count, spec.Resource)
	go s.keepOffering(ctx, plugin, spec, stop)
	return nil
}

// keepOffering registers anew with a kubelet that was started anew: it empties the folder.
func (s *server) keepOffering(ctx context.Context, plugin *devicePlugin, spec contract.DevicePlugin, stop func()) {
	defer func() { stop() }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
		if exists(filepath.Join(spec.Dir, spec.Socket)) {
			continue
		}
		stop()
		next, err := plugin.offer(ctx, spec)
		if err != nil {
			s.log("device plugin: %v", err)
			stop = func() {}
			continue
		}
		stop = next
	}
}

// offer serves on a socket of its own in the kubelet's folder and tells the kubelet so.
func (p *devicePlugin) offer(ctx context.Context, spec contract.DevicePlugin) (func(), error) {
	socket := filepath.Join(spec.Dir, spec.Socket)
	if err := os.RemoveAll(socket); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	devices.RegisterDevicePluginServer(server, p)
	go server.Serve(listener)
	if err := register(ctx, spec); err != nil {
		server.Stop()
		return nil, err
	}
	return server.Stop, nil
}

func register(ctx context.Context, spec contract.DevicePlugin) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	kubelet := filepath.Join(spec.Dir, filepath.Base(devices.KubeletSocket))
	connection, err := grpc.NewClient("unix://"+kubelet, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = devices.NewRegistrationClient(connection).Register(ctx, &devices.RegisterRequest{
		Version: devices.Version, Endpoint: spec.Socket, ResourceName: spec.Resource, Options: &devices.DevicePluginOptions{},
	})
	if err != nil {
		return fmt.Errorf("the kubelet does not take %s: %w", spec.Resource, err)
	}
	return nil
}

func (p *devicePlugin) GetDevicePluginOptions(context.Context, *devices.Empty) (*devices.DevicePluginOptions, error) {
	return &devices.DevicePluginOptions{}, nil
}

func (p *devicePlugin) ListAndWatch(_ *devices.Empty, stream grpc.ServerStreamingServer[devices.ListAndWatchResponse]) error {
	if err := stream.Send(&devices.ListAndWatchResponse{Devices: p.offered}); err != nil {
		return err
	}
	select {
	case <-p.end.Done():
	case <-stream.Context().Done():
	}
	return nil
}

func (p *devicePlugin) Allocate(_ context.Context, asked *devices.AllocateRequest) (*devices.AllocateResponse, error) {
	answer := &devices.AllocateResponse{}
	for range asked.ContainerRequests {
		answer.ContainerResponses = append(answer.ContainerResponses, &devices.ContainerAllocateResponse{})
	}
	return answer, nil
}

func (p *devicePlugin) GetPreferredAllocation(context.Context, *devices.PreferredAllocationRequest) (*devices.PreferredAllocationResponse, error) {
	return &devices.PreferredAllocationResponse{}, nil
}

func (p *devicePlugin) PreStartContainer(context.Context, *devices.PreStartContainerRequest) (*devices.PreStartContainerResponse, error) {
	return &devices.PreStartContainerResponse{}, nil
}
