//! From a builder to a running lifespan.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::Lifespan;
use super::builder::LifespanBuilder;
use super::check::{self, StartError, StartFinding};
use super::core::{Core, Hooks};
use crate::context::{About, Ambient};
use crate::delivery::{Batch, schedule};
use crate::extract::{Accepts, Moment};
use crate::handler::{Handler, HandlerDecl};
use crate::registry::Registry;
use crate::route::Routes;
use crate::scope::ScopeQueue;

pub(super) async fn start(builder: LifespanBuilder) -> Result<Lifespan, StartError> {
    let registry = Registry::get();
    let mut findings: Vec<_> = check::duplicates(registry).collect();
    findings.extend(unknown_names(&builder, registry));
    findings.extend(check::missing_state(chosen(&builder, &registry.handlers), &builder.state));
    findings.extend(check::missing_state(chosen(&builder, &registry.others), &builder.state));
    let runtime = match runtime() {
        Ok(runtime) if findings.is_empty() => runtime,
        found => {
            findings.extend(found.err());
            return Err(StartError::new(findings));
        }
    };

    let hooks = hooks(chosen(&builder, &registry.others));
    let declared = chosen(&builder, &registry.handlers).map(Handler::Declared).collect();
    let LifespanBuilder { state, limits, closures, .. } = builder;
    let closures = closures.into_iter().map(|closure| Handler::Closure(Arc::new(closure)));
    let routes = Routes::new(registry, merged(declared, closures));
    let lifespan = Lifespan::new(Core::new(runtime, routes, hooks, limits, state));
    run_startup_hooks(&lifespan).await?;
    lifespan.start_periodic();
    Ok(lifespan)
}

fn chosen<'a>(
    builder: &'a LifespanBuilder,
    functions: &'a [&'static HandlerDecl],
) -> impl Iterator<Item = &'static HandlerDecl> + 'a {
    functions.iter().copied().filter(|function| builder.choice.takes(function))
}

/// Closures come after the declared handlers of their order.
fn merged(mut declared: Vec<Handler>, closures: impl Iterator<Item = Handler>) -> Vec<Handler> {
    let after = declared.partition_point(|handler| handler.order() <= 0);
    declared.splice(after..after, closures);
    declared
}

fn unknown_names(builder: &LifespanBuilder, registry: &Registry) -> Vec<StartFinding> {
    let all = || registry.handlers.iter().chain(&registry.others);
    let choice = &builder.choice;
    let mut unknown =
        check::unknown("function", choice.without.iter(), |path| all().any(|function| function.site.path() == path));
    let groups = choice.without_groups.iter().chain(choice.only_groups.iter().flatten());
    unknown.extend(check::unknown("group", groups, |group| all().any(|function| function.group == Some(group))));
    unknown
}

fn hooks(functions: impl Iterator<Item = &'static HandlerDecl>) -> Hooks {
    let mut hooks = Hooks::default();
    for function in functions {
        match function.accepts {
            Accepts::Moment(Moment::Startup) => hooks.startup.push(function),
            Accepts::Moment(Moment::Shutdown) => hooks.shutdown.push(function),
            Accepts::Moment(Moment::Failure) => hooks.failure.push(function),
            Accepts::Tick(_) => hooks.every.push(function),
            Accepts::Type(_) | Accepts::Any | Accepts::View => {}
        }
    }
    hooks
}

fn runtime() -> Result<Handle, StartFinding> {
    let no_runtime = |_| StartFinding::new("there is no tokio runtime here: call `start` inside one");
    let runtime = Handle::try_current().map_err(no_runtime)?;
    // Tokio has no question for it but the panic.
    match catch_unwind(AssertUnwindSafe(|| drop(tokio::time::sleep(Duration::ZERO)))) {
        Ok(()) => Ok(runtime),
        Err(_) => Err(StartFinding::new("the tokio runtime has no timer: build it with `enable_time` or `enable_all`")),
    }
}

async fn run_startup_hooks(lifespan: &Lifespan) -> Result<(), StartError> {
    if lifespan.core().hooks.startup.is_empty() {
        return Ok(());
    }
    // Held until the end of the start, so that nothing that the hooks dispatch is delivered before.
    let queue = Arc::new(ScopeQueue::default());
    let work = lifespan.begin(true);
    for hook in &lifespan.core().hooks.startup {
        let ambient = Ambient { scope: Some(Arc::clone(&queue)), ..Ambient::of(lifespan.internal()) };
        if let Some(failure) = lifespan.run_hook(hook, About::Nothing, ambient).await {
            lifespan.report(&failure);
            let dropped = queue.close();
            lifespan.core().settle(&dropped, 0);
            drop(work);
            let _report = lifespan.shutdown().await;
            return Err(StartError::new(vec![StartFinding::of_failure(&failure)]));
        }
    }
    let events = queue.close();
    if let (Some(work), false) = (work, events.is_empty()) {
        schedule(Batch::new(work, events));
    }
    Ok(())
}
