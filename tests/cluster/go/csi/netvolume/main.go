// netvolume is a CSI driver for volumes that one node at a time may have: each is a folder below -store, which all nodes
// see, as they see a disk of their network. Which node has a volume is written beside it, by the controller and nobody else;
// a node that does not have it is not given it. Volumes are made by whoever makes the folder.
//
//	netvolume -store FOLDER -socket FILE -controller
//	netvolume -store FOLDER -socket FILE -node NAME -register FILE
//
// A node's driver registers itself with its kubelet, in the place of node-driver-registrar.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

const name = "network.seaworthy.test"

type driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	csi.UnimplementedNodeServer
	registration.UnimplementedRegistrationServer
	store, socket, node string
	controller          bool
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("netvolume: ")
	var d driver
	var register string
	flag.StringVar(&d.store, "store", "", "folder of all volumes")
	flag.StringVar(&d.socket, "socket", "", "to listen on")
	flag.StringVar(&d.node, "node", "", "name of the node")
	flag.StringVar(&register, "register", "", "socket on which kubelet finds the driver")
	flag.BoolVar(&d.controller, "controller", false, "attach volumes to nodes and detach them")
	flag.Parse()
	ended := make(chan error)
	go func() { ended <- serve(d.socket, d.offer) }()
	if register != "" {
		go func() {
			ended <- serve(register, func(s *grpc.Server) { registration.RegisterRegistrationServer(s, &d) })
		}()
	}
	log.Fatal(<-ended)
}

func (d *driver) offer(server *grpc.Server) {
	csi.RegisterIdentityServer(server, d)
	if d.controller {
		csi.RegisterControllerServer(server, d)
	} else {
		csi.RegisterNodeServer(server, d)
	}
}

// serve listens on a socket; one that a former process has left is in the way.
func serve(socket string, offer func(*grpc.Server)) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(tell))
	offer(server)
	return server.Serve(listener)
}

// tell logs what changes something, and how it ended.
func tell(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	answer, err := handle(ctx, request)
	if strings.Contains(info.FullMethod, "ublishVolume") || strings.Contains(info.FullMethod, "ExpandVolume") {
		log.Printf("%s %v: %v", filepath.Base(info.FullMethod), request, err)
	}
	return answer, err
}

func (d *driver) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{Type: registration.CSIPlugin, Name: name, Endpoint: d.socket, SupportedVersions: []string{"1.0.0"}}, nil
}

func (d *driver) NotifyRegistrationStatus(_ context.Context, s *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	log.Printf("registered: %v %s", s.PluginRegistered, s.Error)
	return &registration.RegistrationStatusResponse{}, nil
}

func (d *driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: name, VendorVersion: "1"}, nil
}

func (d *driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

func (d *driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	service := &csi.PluginCapability_Service{Type: csi.PluginCapability_Service_CONTROLLER_SERVICE}
	grows := &csi.PluginCapability_VolumeExpansion{Type: csi.PluginCapability_VolumeExpansion_ONLINE}
	return &csi.GetPluginCapabilitiesResponse{Capabilities: []*csi.PluginCapability{
		{Type: &csi.PluginCapability_Service_{Service: service}},
		{Type: &csi.PluginCapability_VolumeExpansion_{VolumeExpansion: grows}},
	}}, nil
}

func (d *driver) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	can := func(what csi.ControllerServiceCapability_RPC_Type) *csi.ControllerServiceCapability {
		rpc := &csi.ControllerServiceCapability_RPC{Type: what}
		return &csi.ControllerServiceCapability{Type: &csi.ControllerServiceCapability_Rpc{Rpc: rpc}}
	}
	return &csi.ControllerGetCapabilitiesResponse{Capabilities: []*csi.ControllerServiceCapability{
		can(csi.ControllerServiceCapability_RPC_PUBLISH_UNPUBLISH_VOLUME),
		can(csi.ControllerServiceCapability_RPC_EXPAND_VOLUME),
	}}, nil
}

func (d *driver) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

func (d *driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: d.node}, nil
}

// ControllerPublishVolume attaches a volume to a node: only where no other one has it.
func (d *driver) ControllerPublishVolume(_ context.Context, r *csi.ControllerPublishVolumeRequest) (*csi.ControllerPublishVolumeResponse, error) {
	if err := d.known(r.VolumeId); err != nil {
		return nil, err
	}
	if owner := d.owner(r.VolumeId); owner != "" && owner != r.NodeId {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is attached to %s", r.VolumeId, owner)
	}
	if err := os.WriteFile(d.note(r.VolumeId), []byte(r.NodeId), 0o600); err != nil {
		return nil, err
	}
	return &csi.ControllerPublishVolumeResponse{}, nil
}

// ControllerUnpublishVolume takes it away from that node, whether that one answers or not.
func (d *driver) ControllerUnpublishVolume(_ context.Context, r *csi.ControllerUnpublishVolumeRequest) (*csi.ControllerUnpublishVolumeResponse, error) {
	if r.NodeId == "" || d.owner(r.VolumeId) == r.NodeId {
		if err := os.Remove(d.note(r.VolumeId)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return &csi.ControllerUnpublishVolumeResponse{}, nil
}

// ControllerExpandVolume makes a volume larger that is a file system of its own; every node that has it mounted sees that at once.
func (d *driver) ControllerExpandVolume(_ context.Context, r *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	if err := d.known(r.VolumeId); err != nil {
		return nil, err
	}
	size := r.GetCapacityRange().GetRequiredBytes()
	place := filepath.Join(d.store, r.VolumeId)
	if !isFileSystem(place) {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is a folder, and cannot grow", r.VolumeId)
	}
	if err := syscall.Mount("", place, "", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", size)); err != nil {
		return nil, err
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: size, NodeExpansionRequired: false}, nil
}

func (d *driver) NodePublishVolume(_ context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	if err := d.known(r.VolumeId); err != nil {
		return nil, err
	}
	if owner := d.owner(r.VolumeId); owner != d.node {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is attached to %q, not to %s", r.VolumeId, owner, d.node)
	}
	if isMounted(r.TargetPath) {
		return &csi.NodePublishVolumeResponse{}, nil
	}
	if err := os.MkdirAll(r.TargetPath, 0o750); err != nil {
		return nil, err
	}
	if err := syscall.Mount(filepath.Join(d.store, r.VolumeId), r.TargetPath, "", syscall.MS_BIND, ""); err != nil {
		return nil, err
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

func (d *driver) NodeUnpublishVolume(_ context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	// On a path that is no mount, or not there any more, nothing is to be undone.
	if err := syscall.Unmount(r.TargetPath, 0); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) {
		return nil, err
	}
	// Never all that is below: were it mounted still, that would be the volume.
	if err := os.Remove(r.TargetPath); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

func (d *driver) known(volume string) error {
	if volume == "" || volume != filepath.Base(volume) {
		return status.Errorf(codes.InvalidArgument, "no volume can be called %q", volume)
	}
	if info, err := os.Stat(filepath.Join(d.store, volume)); err != nil || !info.IsDir() {
		return status.Errorf(codes.NotFound, "there is no volume %s", volume)
	}
	return nil
}

func (d *driver) note(volume string) string { return filepath.Join(d.store, volume+".attached") }

// owner is the node that has the volume; none where there is no note.
func (d *driver) owner(volume string) string {
	text, err := os.ReadFile(d.note(volume))
	if err != nil {
		return ""
	}
	return string(text)
}

// isFileSystem: of another device than the folder above.
func isFileSystem(path string) bool {
	var here, above syscall.Stat_t
	return syscall.Stat(path, &here) == nil && syscall.Stat(filepath.Dir(path), &above) == nil && here.Dev != above.Dev
}

// isMounted: another device than the folder above, or the same one at another place, which only the list of mounts tells.
func isMounted(path string) bool {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(mounts), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == path {
			return true
		}
	}
	return false
}
