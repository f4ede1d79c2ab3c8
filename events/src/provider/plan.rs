//! Which providers a lifespan needs, and how their values come to be before anything else runs.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::make::make;
use super::{ProviderDecl, Replacements};
use crate::context::{About, Ambient, Context, Dependency, InAmbient};
use crate::error::BoxError;
use crate::handler::HandlerDecl;
use crate::lifespan::Lifespan;

/// The providers that the functions of a lifespan depend on, those that stand on few others first.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) providers: Vec<&'static ProviderDecl>,
}

impl Plan {
    pub(crate) fn new<'a>(functions: impl Iterator<Item = &'a HandlerDecl>, replacements: &Replacements) -> Self {
        let mut left: Vec<_> = functions.flat_map(|function| function.signature().depends).collect();
        let mut providers: Vec<&'static ProviderDecl> = Vec::new();
        while let Some(Dependency { provider, .. }) = left.pop() {
            if !providers.iter().any(|known| known.is(provider)) {
                providers.push(provider);
                left.extend(replacements.dependencies(provider));
            }
        }
        providers.sort_by_key(|provider| (provider.facts.depth, provider.site.place, provider.site.name));
        Self { providers }
    }

    /// Makes the values that live as long as the lifespan: each as soon as those are made that it depends on. The first
    /// that fails cancels the others.
    pub(crate) async fn make_all(&self, lifespan: &Lifespan, ambient: &Ambient) -> Result<(), BoxError> {
        let core = lifespan.core();
        let is_made = |provider: &ProviderDecl| provider.facts.per_call || core.provided.get(provider).is_some();
        let mut left: Vec<_> = self.providers.iter().copied().filter(|provider| !provider.facts.per_call).collect();
        let mut making = FuturesUnordered::new();
        loop {
            left.retain(|&provider| {
                let waits = core.replacements.dependencies(provider).any(|on| !is_made(on.provider));
                if !waits {
                    making.push(make_one(provider, lifespan, ambient.clone()));
                }
                waits
            });
            match making.next().await {
                Some(made) => made?,
                None => return Ok(()),
            }
        }
    }
}

async fn make_one(provider: &'static ProviderDecl, lifespan: &Lifespan, ambient: Ambient) -> Result<(), BoxError> {
    let context = Context::new(lifespan, About::Nothing);
    let values = Arc::clone(&lifespan.core().provided);
    InAmbient::new(ambient, make(provider, &context, &values)).await.map(drop)
}
