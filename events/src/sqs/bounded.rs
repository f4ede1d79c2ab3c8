//! An HTTP client that reads no more of an answer than the service says.

use std::error::Error;

use aws_sdk_sqs::config::ConfigBag;
use aws_sdk_sqs::config::http::HttpRequest;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use http_body_util::{LengthLimitError, Limited};

/// Of ten messages of 1 MiB, each character may be written as an escape of six.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// A client, or one of its connectors, whose answers end where none of the service's goes on.
#[derive(Debug)]
pub(super) struct Bounded<C>(pub(super) C);

impl HttpClient for Bounded<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Bounded(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        parts: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(parts, config)
    }

    fn validate_final_config(&self, parts: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.0.validate_final_config(parts, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

impl HttpConnector for Bounded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answering = self.0.call(request);
        let bounded = |body: SdkBody| SdkBody::from_body_1_x(Limited::new(body, ANSWER_LIMIT));
        HttpConnectorFuture::new(async move { Ok(answering.await?.map(bounded)) })
    }
}

/// What is said of an error, where it is an answer that did not end.
pub(super) fn said(error: &(dyn Error + 'static)) -> Option<String> {
    error.is::<LengthLimitError>().then(|| format!("the answer has more than {ANSWER_LIMIT} bytes"))
}
