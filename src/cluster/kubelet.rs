//! What a kubelet says of itself.

use kube::Client;
use kube::core::Request;
use serde_json::Value;

/// The configuration of a node's kubelet as it is in force (`/configz`), through the API server; below `kubeletconfig` it is a
/// `KubeletConfiguration`. The API server waits long for a kubelet that is gone: whoever asks has a limit.
pub(crate) async fn configuration(client: &Client, node: &str) -> Result<Value, kube::Error> {
    let request =
        Request::new("/api/v1/nodes").get_subresource("proxy/configz", node).map_err(kube::Error::BuildRequest)?;
    client.request(request).await
}
