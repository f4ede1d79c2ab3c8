//! From a builder to a running lifespan.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::Lifespan;
use super::builder::LifespanBuilder;
use super::check::{self, StartError, StartFinding};
use super::core::{Core, Hooks, Stage};
use super::switch;
use crate::batch::Bucket;
use crate::context::{About, Ambient};
use crate::delivery::{Bundle, schedule};
use crate::extract::{Accepts, Moment};
use crate::handler::{Handler, HandlerDecl};
use crate::provider::Plan;
use crate::registry::Registry;
use crate::route::Routes;
use crate::scope::ScopeQueue;
use crate::source::Inlet;
use crate::telemetry::Meters;

pub(super) async fn start(builder: LifespanBuilder) -> Result<Lifespan, StartError> {
    let registry = Registry::get();
    let (plan, runtime, disabled) = checked(&builder, registry)?;
    let parts = builder.parts(&plan);
    let hooks = hooks(chosen(&builder, &registry.others));
    let declared =
        chosen(&builder, &registry.handlers).map(|handler| called(handler, &builder.inlets, registry)).collect();
    let LifespanBuilder { state, limits, closures, seam, replacements, outlets, inlets, origin, .. } = builder;
    let outlets = Arc::new(outlets);
    let closures: Vec<_> = closures.into_iter().map(|closure| Handler::Closure(Arc::new(closure))).collect();
    let meters = Meters::new(
        registry,
        registry.handlers.iter().chain(&registry.others).copied(),
        closures.iter().map(|handler| *handler.site()),
    );
    let routes = Routes::new(registry, merged(declared, closures.into_iter()), Arc::clone(&outlets), seam.clone());
    let mut core = Core::new(runtime, routes, hooks, limits, state, seam, meters);
    core.replacements = Arc::new(replacements);
    core.outlets = outlets;
    core.inlets = inlets;
    core.parts = parts;
    core.origin = origin.unwrap_or_else(program).into();
    let lifespan = Lifespan::new(core);
    lifespan.disable_dispatch(disabled);
    lifespan.warn_where_disabled();
    open(&lifespan, &plan).await?;
    lifespan.start_periodic();
    for inlet in &lifespan.core().inlets {
        if disabled {
            inlet.rest();
        }
        let reading = Arc::clone(inlet).run(lifespan.internal());
        lifespan.core().readers.keep(lifespan.core().runtime.spawn(reading));
    }
    Ok(lifespan)
}

/// Checks the whole program, and answers what the start needs of it: all findings in one error.
fn checked(builder: &LifespanBuilder, registry: &Registry) -> Result<(Plan, Handle, bool), StartError> {
    let mut findings: Vec<_> = check::duplicates(registry).collect();
    findings.extend(unknown_names(builder, registry));
    let functions = || chosen(builder, &registry.handlers).chain(chosen(builder, &registry.others));
    // What takes its event and no more asks for nothing that could be missing.
    let asking = || functions().filter(|function| !function.bare);
    let plan = Plan::new(asking(), &builder.replacements);
    findings.extend(dependencies(asking(), &plan, builder));
    findings.extend(check::same_address(&builder.inlets));
    findings.extend(check::only_back(&builder.outlets.0, &builder.inlets, registry));
    findings.extend(builder.origin.as_deref().and_then(check::origin));
    findings.extend(builder.outlets.0.iter().flat_map(|outlet| check::unsendable(outlet, registry)));
    match (runtime(), switch::decide(builder.disabled)) {
        (Ok(runtime), Ok(disabled)) if findings.is_empty() => Ok((plan, runtime, disabled)),
        (runtime, disabled) => {
            findings.extend(runtime.err());
            findings.extend(disabled.err());
            Err(StartError::new(findings))
        }
    }
}

/// The program that runs, as the origin of its events.
fn program() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_ref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy());
    name.unwrap_or_default().bytes().fold("/".to_owned(), |origin, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            format!("{origin}{}", char::from(byte))
        }
        // The file may have any name, and a URI reference has few characters.
        _ => format!("{origin}%{byte:02X}"),
    })
}

/// A handler as this lifespan has it.
fn called(handler: &'static HandlerDecl, inlets: &[Arc<Inlet>], registry: &Registry) -> Handler {
    let Some(limits) = handler.batch else { return Handler::Declared(handler) };
    let feeding = inlets.iter().filter(|inlet| inlet.may_bring(handler, registry));
    let smallest = feeding.map(|inlet| (inlet.lender().most, &inlet.label)).min();
    if let Some((most, source)) = smallest.filter(|(most, _)| *most < limits.size) {
        tracing::warn!(
            target: "events",
            handler = %handler.site,
            batch = limits.size,
            source = &**source,
            most,
            "batches may be smaller than the handler asks for: a source has fewer messages under way",
        );
    }
    Handler::Batched(Arc::new(Bucket::new(handler, limits)))
}

/// What functions and the providers that they need ask for, and cannot have.
fn dependencies(
    functions: impl Iterator<Item = &'static HandlerDecl>,
    plan: &Plan,
    builder: &LifespanBuilder,
) -> Vec<StartFinding> {
    let mut findings = Vec::new();
    for function in functions {
        let signature = function.signature();
        findings.extend(check::missing_state("handler", function.site, &signature, &builder.state));
        findings.extend(check::taken(function.site, signature.depends, &builder.replacements));
    }
    let made = plan.providers.iter().filter(|provider| builder.replacements.of(provider).is_none());
    for provider in made {
        findings.extend(check::missing_state("provider", provider.site, &provider.signature(), &builder.state));
    }
    findings
}

pub(super) fn chosen<'a>(
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
    let given = choice.with.iter();
    unknown.extend(check::not_declared(given, |named| all().any(|function| function.id == named.id)));
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

/// Makes the values of the lifespan's providers, and runs the startup hooks; undoes it all where something fails.
async fn open(lifespan: &Lifespan, plan: &Plan) -> Result<(), StartError> {
    // Providers and hooks may keep what they are given, which must not keep the lifespan from ending.
    let lifespan = &lifespan.internal();
    // Held until the end of the start, so that nothing that is dispatched meanwhile is delivered before.
    let queue = Arc::new(ScopeQueue::new(lifespan));
    let work = lifespan.begin(true);
    let ambient = Ambient::in_scope(Arc::clone(&queue));
    let prepared = prepare(lifespan, plan, &ambient).await;
    let events = queue.close().events;
    if let Err(finding) = prepared {
        lifespan.core().settle(&events, 0);
        drop((work, ambient));
        let _report = lifespan.shutdown().await;
        return Err(StartError::new(vec![finding]));
    }
    lifespan.core().stage.set(Stage::Started);
    if let (Some(work), false) = (work, events.is_empty()) {
        schedule(Bundle::new(work, events));
    }
    Ok(())
}

async fn prepare(lifespan: &Lifespan, plan: &Plan, ambient: &Ambient) -> Result<(), StartFinding> {
    plan.make_all(lifespan, ambient).await.map_err(|error| StartFinding::of_provider(&error))?;
    lifespan.core().stage.set(Stage::Hooks);
    for hook in &lifespan.core().hooks.startup {
        if let Some(failure) = lifespan.run_hook(hook, About::Nothing, ambient.clone()).await {
            lifespan.report(&failure);
            return Err(StartFinding::of_failure(&failure));
        }
    }
    Ok(())
}
