//! Asks providers for what a call takes.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::error::{ProviderError, What};
use super::provided::{Making, Provided};
use super::{Made, Provider, ProviderDecl, Value};
use crate::call::caught;
use crate::context::{Context, Dependency};
use crate::error::BoxError;
use crate::failure::FailureCause;

/// Puts a provider's work on the heap; says it where the user's future is not `Send`. That the value is `Send` and `Sync` is
/// said by the trait, and here once more it would be a second error.
pub fn made<'a, P: Provider>(work: impl Future<Output = Result<P::Value, BoxError>> + Send + 'a) -> Made<'a> {
    Box::pin(async move { work.await.map(|value| Arc::new(value) as Value) })
}

/// The value that a parameter borrows; [`ProviderError`], where it could not be made.
pub(super) async fn shared<P: Provider>(
    context: &Context<'_>,
    values: Option<&Provided>,
) -> Result<Arc<P::Value>, BoxError> {
    let provider = P::__declaration();
    let value = if P::FACTS.per_call {
        of_call(provider, context, values).await?
    } else {
        context.lifespan.core().provided.get(provider).ok_or_else(|| not_made(provider))?
    };
    value.downcast().map_err(|_| "a provider has made a value of another type".into())
}

/// The value that a parameter takes for itself; [`ProviderError`], where it could not be made.
pub(super) async fn owned<P: Provider>(context: &Context<'_>, values: Option<&Provided>) -> Result<P::Value, BoxError> {
    let value = shared::<P>(context, values).await?;
    let taken = values.and_then(|values| values.take(P::__declaration()));
    drop(taken);
    // The start has seen to it that nobody else takes it.
    Arc::into_inner(value).ok_or_else(|| "what a provider has made is taken by value, and in use elsewhere".into())
}

async fn of_call(
    provider: &'static ProviderDecl,
    context: &Context<'_>,
    values: Option<&Provided>,
) -> Result<Value, BoxError> {
    let values = values.ok_or("a call without room for values depends on a provider")?;
    if let Some(value) = values.get(provider) {
        return Ok(value);
    }
    make(provider, context, values).await
}

/// Has a provider, or what replaces it, make its value, and keeps that.
pub(super) async fn make(
    provider: &'static ProviderDecl,
    context: &Context<'_>,
    values: &Provided,
) -> Result<Value, BoxError> {
    let failed = |cause| ProviderError::new(provider, What::Making, cause);
    if let Some(replacement) = context.lifespan.core().replacements.of(provider) {
        let value = replacement.make().map_err(failed)?;
        values.keep(provider, Arc::clone(&value));
        return Ok(value);
    }
    if provider.timeout.is_some() {
        prepare(provider, context, values).await?;
    }
    let making = Making::begin(provider, values);
    let work = caught((provider.make)(*context, &making));
    let answer = match provider.timeout {
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| failed(FailureCause::Timeout(limit)))?,
        None => work.await,
    };
    match answer {
        Ok(Ok(value)) => {
            making.end(&value);
            Ok(value)
        }
        // What failed is the provider that it depends on.
        Ok(Err(error)) if error.is::<ProviderError>() => Err(error),
        Ok(Err(error)) => Err(failed(FailureCause::Error(error)).into()),
        Err(panic) => Err(failed(panic).into()),
    }
}

/// Has the others make what a provider depends on, so that its time is its own.
fn prepare<'a>(
    provider: &'static ProviderDecl,
    context: &'a Context<'_>,
    values: &'a Provided,
) -> BoxFuture<'a, Result<(), BoxError>> {
    Box::pin(async move {
        for Dependency { provider, .. } in provider.signature().depends {
            if provider.facts.per_call && values.get(provider).is_none() {
                make(provider, context, values).await?;
            }
        }
        Ok(())
    })
}

fn not_made(provider: &ProviderDecl) -> BoxError {
    let path = provider.site.path();
    format!("lifespan provider `{path}` has made nothing: no function that the lifespan was started with depends on it")
        .into()
}
