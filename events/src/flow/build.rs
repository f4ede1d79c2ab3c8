//! From what is declared to the graph.

use std::any::TypeId;
use std::collections::HashMap;

use super::graph::{Graph, Kind, Link, Node};
use super::label;
use super::parts::{ClosurePart, Parts, SinkPart, SourcePart};
use crate::context::Signature;
use crate::event::EventDecl;
use crate::extract::Accepts;
use crate::handler::HandlerDecl;
use crate::pattern::Pattern;
use crate::place::Site;
use crate::provider::ProviderDecl;
use crate::registry::Registry;

pub(super) fn build(parts: &Parts, registry: &Registry) -> Graph {
    let mut building = Building { parts, graph: Graph::default(), of_type: HashMap::new(), providers: Vec::new() };
    building.events(registry);
    let functions: Vec<_> = parts.functions.iter().map(|function| building.function(function)).collect();
    parts.closures.iter().for_each(|closure| building.closure(closure));
    parts.providers.iter().for_each(|provider| building.provider(provider));
    building.dependencies(&functions);
    parts.sinks.iter().for_each(|sink| building.sink(sink));
    parts.sources.iter().for_each(|source| building.source(source, registry));
    building.graph
}

struct Building<'a> {
    parts: &'a Parts,
    graph: Graph,
    /// The nodes of the events of a type.
    of_type: HashMap<TypeId, Vec<usize>>,
    providers: Vec<(&'static ProviderDecl, usize)>,
}

impl Building<'_> {
    /// Comes first, so that whatever takes events finds them.
    fn events(&mut self, registry: &Registry) {
        let variants = |decl: &'static EventDecl| decl.names.iter().map(move |&name| (name, decl));
        let mut events: Vec<_> = registry.events.iter().copied().flat_map(variants).collect();
        events.sort_by_key(|(name, decl)| (*name, decl.place));
        for (name, decl) in events {
            let (module, place) = (decl.place.module, Some(decl.place));
            let node = self.graph.add(Node { path: decl.path(), module, place, ..Node::new(Kind::Event, name) });
            self.of_type.entry(decl.type_id).or_default().push(node);
        }
        let named = self.parts.sources.iter().filter_map(|source| source.name.as_deref());
        let mut unknown: Vec<_> = named.filter(|name| !registry.names.contains_key(name)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        for name in unknown {
            self.graph.add(Node::new(Kind::Event, name));
        }
    }

    fn function(&mut self, decl: &'static HandlerDecl) -> usize {
        let mut node = of_site(Kind::Function, decl.site);
        node.how = how(decl);
        if matches!(decl.accepts, Accepts::Any | Accepts::View) {
            node.patterns = Some(if decl.patterns.is_empty() { "*".into() } else { decl.patterns.join(" ") });
        }
        let node = self.graph.add(node);
        match decl.accepts.moment() {
            Some(moment) => {
                let moment = self.moment(&moment);
                self.graph.link(moment, node, Link::Calls);
            }
            None => self.takes(node, decl.accepts, |name| decl.takes_name(name)),
        }
        self.emits(node, &decl.signature());
        node
    }

    fn closure(&mut self, closure: &ClosurePart) {
        let mut node = of_site(Kind::Function, closure.site);
        node.label = format!("closure ({})", closure.site.place);
        if closure.accepts.payload_type().is_none() {
            node.patterns = Some(closure.pattern.clone().unwrap_or_else(|| "*".into()));
        }
        let node = self.graph.add(node);
        let pattern = closure.pattern.as_deref().map(Pattern::new);
        self.takes(node, closure.accepts, |name| pattern.is_none_or(|pattern| pattern.matches(name)));
        let mut signature = Signature::default();
        (closure.emits)(&mut signature);
        self.emits(node, &signature);
    }

    fn takes(&mut self, node: usize, accepts: Accepts, takes_name: impl Fn(&str) -> bool) {
        let sinks = &self.parts.sinks;
        let leaves = |name: &str| sinks.iter().any(|sink| sink.only && Pattern::new(&sink.pattern).matches(name));
        let events: Vec<_> = match accepts.payload_type() {
            Some(decl) => self.of_type.get(&decl.type_id).cloned().unwrap_or_default(),
            None => self.graph.of_kind(Kind::Event).map(|(event, _)| event).collect(),
        };
        for event in events {
            let name = &self.graph.nodes[event].label;
            if takes_name(name) && !leaves(name) {
                self.graph.link(event, node, Link::Takes);
            }
        }
    }

    fn emits(&mut self, node: usize, signature: &Signature) {
        for event in signature.emits.iter().filter_map(|decl| self.of_type.get(&decl.type_id)).flatten() {
            self.graph.link(node, *event, Link::Emits);
        }
    }

    fn moment(&mut self, moment: &str) -> usize {
        let known = self.graph.of_kind(Kind::Moment).find(|(_, node)| node.label == moment).map(|(known, _)| known);
        known.unwrap_or_else(|| self.graph.add(Node::new(Kind::Moment, moment)))
    }

    fn provider(&mut self, decl: &'static ProviderDecl) {
        let mut node = of_site(Kind::Provider, decl.site);
        if self.is_replaced(decl) {
            node.label.push_str(", replaced");
        }
        let node = self.graph.add(node);
        self.providers.push((decl, node));
    }

    fn is_replaced(&self, decl: &ProviderDecl) -> bool {
        self.parts.replaced.iter().any(|replaced| replaced.is(decl))
    }

    /// Comes behind all providers. What is replaced depends on nothing.
    fn dependencies(&mut self, functions: &[usize]) {
        let functions = self.parts.functions.iter().zip(functions).map(|(decl, &node)| (node, decl.signature()));
        let made = self.providers.iter().filter(|(decl, _)| !self.is_replaced(decl));
        let all: Vec<_> = functions.chain(made.map(|(decl, node)| (*node, decl.signature()))).collect();
        for (node, signature) in all {
            let mut providers: Vec<_> = signature.depends.iter().filter_map(|on| self.node_of(on.provider)).collect();
            providers.sort_unstable();
            providers.dedup();
            for provider in providers {
                self.graph.link(provider, node, Link::Provides);
            }
        }
    }

    fn node_of(&self, provider: &ProviderDecl) -> Option<usize> {
        self.providers.iter().find(|(known, _)| known.is(provider)).map(|(_, node)| *node)
    }

    fn sink(&mut self, sink: &SinkPart) {
        let told = match &sink.label {
            Some(called) => called.clone(),
            None => format!("{} ({})", label::type_name(sink.type_name), sink.site.place),
        };
        let mut node = Node { label: told, patterns: Some(sink.pattern.clone()), ..of_site(Kind::Sink, sink.site) };
        if sink.only {
            node.how = "only".into();
        }
        let node = self.graph.add(node);
        let pattern = Pattern::new(&sink.pattern);
        let events = self.graph.of_kind(Kind::Event).filter(|(_, event)| pattern.matches(&event.label));
        let events: Vec<_> = events.map(|(event, _)| event).collect();
        for event in events {
            self.graph.link(event, node, Link::Leaves);
        }
    }

    fn source(&mut self, source: &SourcePart, registry: &Registry) {
        let mut node = Node { label: source.label.clone(), ..of_site(Kind::Source, source.site) };
        let Some(name) = source.name.as_deref() else {
            node.patterns = Some("*".into());
            self.graph.add(node);
            return;
        };
        let node = self.graph.add(node);
        let real = registry.find(name).map_or(name, |named| named.decl.names[named.variant]);
        let event = self.graph.of_kind(Kind::Event).find(|(_, event)| event.label == real).map(|(event, _)| event);
        if let Some(event) = event {
            self.graph.link(node, event, Link::Arrives);
        }
    }
}

fn of_site(kind: Kind, site: Site) -> Node {
    Node { path: site.path(), module: site.place.module, place: Some(site.place), ..Node::new(kind, site.name) }
}

/// How a function is called, as far as it is not what everybody expects.
fn how(decl: &HandlerDecl) -> String {
    let call = decl.call.keyword();
    let call = matches!(call, "now" | "blocking").then(|| call.to_owned());
    let batch = decl.batch.map(|limits| format!("batch {}", limits.size));
    let order = (decl.order != 0).then(|| format!("order {}", decl.order));
    call.into_iter().chain(batch).chain(order).collect::<Vec<_>>().join(", ")
}
