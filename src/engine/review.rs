//! Asking the API server what this user may do. A question, although it is put as something to be created.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};

/// Whether this user may; `None`: the API server does not answer such questions, which is not taken for a no.
pub async fn may(client: &Client, attributes: ResourceAttributes) -> Option<bool> {
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let answer = Api::<SelfSubjectAccessReview>::all(client.clone()).create(&PostParams::default(), &review).await;
    answer.ok().and_then(|review| review.status).map(|status| status.allowed)
}
