//! Pictures, read back: those of Graphviz by the parser of `layout`, those of Mermaid line by line.

pub(crate) mod at;

use std::collections::BTreeMap;

use layout::gv::DotParser;
use layout::gv::parser::ast::{AttrStmtTarget, AttributeList, Graph, Stmt};

/// What a picture says: its nodes, by their identifiers, and its edges, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) edges: Vec<Edge>,
    /// The titles of the groups.
    pub(crate) groups: Vec<String>,
    pub(crate) remarks: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) label: String,
    /// The title of the group that it is in.
    pub(crate) group: Option<String>,
    pub(crate) is_idle: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) label: String,
    pub(crate) is_dashed: bool,
    pub(crate) is_red: bool,
}

impl Picture {
    /// The edges by the labels of what they lead from and to: `a -> b (now)`, `..>` from a provider, `=>` in a cycle.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |edge: &Edge| {
            let arrow = match (edge.is_dashed, edge.is_red) {
                (true, _) => "..>",
                (_, true) => "=>",
                _ => "->",
            };
            let said = if edge.label.is_empty() { String::new() } else { format!(" ({})", edge.label) };
            format!("{} {arrow} {}{said}", self.nodes[&edge.from].label, self.nodes[&edge.to].label)
        };
        self.edges.iter().map(line).collect()
    }

    pub(crate) fn dot(text: &str) -> Self {
        let mut picture = Self::default();
        let graph = DotParser::new(text).process().unwrap_or_else(|error| panic!("{error} in\n{text}"));
        picture.read_dot(&graph, None);
        let remarks = text.lines().filter_map(|line| line.trim().strip_prefix("// "));
        picture.remarks = remarks.map(str::to_owned).collect();
        picture
    }

    fn read_dot(&mut self, graph: &Graph, group: Option<&str>) {
        let mut group = group.map(str::to_owned);
        for statement in &graph.list.list {
            match statement {
                Stmt::Node(node) => {
                    let (label, is_idle) =
                        (text_of(&node.list, "label"), text_of(&node.list, "style").contains("dashed"));
                    let known = self.nodes.insert(node.id.name.clone(), Node { label, group: group.clone(), is_idle });
                    assert_eq!(known, None, "two nodes are `{}`", node.id.name);
                }
                Stmt::Edge(edge) => {
                    let [(to, _)] = edge.to.as_slice() else { panic!("not one arrow: {edge:?}") };
                    self.add(Edge {
                        from: edge.from.name.clone(),
                        to: to.name.clone(),
                        label: text_of(&edge.list, "label"),
                        is_dashed: text_of(&edge.list, "style") == "dashed",
                        is_red: text_of(&edge.list, "color") == "#dc2626",
                    });
                }
                Stmt::SubGraph(graph) => self.read_dot(graph, Some("")),
                Stmt::Attribute(attribute) => {
                    if let (AttrStmtTarget::Graph, Some(group)) = (&attribute.target, &mut group) {
                        *group = text_of(&attribute.list, "label");
                        self.groups.push(group.clone());
                    }
                }
            }
        }
    }

    fn add(&mut self, edge: Edge) {
        assert!(
            self.nodes.contains_key(&edge.from) && self.nodes.contains_key(&edge.to),
            "from or to nothing: {edge:?}"
        );
        self.edges.push(edge);
    }

    pub(crate) fn mermaid(text: &str) -> Self {
        let mut picture = Self::default();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("flowchart LR"));
        let mut group = None;
        for line in lines.map(str::trim) {
            if let Some(remark) = line.strip_prefix("%% ") {
                picture.remarks.push(remark.to_owned());
            } else if line.starts_with("classDef ") {
            } else if let Some(rest) = line.strip_prefix("class ") {
                let (ids, class) = rest.split_once(' ').expect("a class is given to some");
                if class == "idle" {
                    ids.split(',').for_each(|id| picture.nodes.get_mut(id).expect("a node").is_idle = true);
                }
            } else if let Some(rest) = line.strip_prefix("linkStyle ") {
                let numbers = rest.split(' ').next().expect("numbers").split(',');
                numbers.for_each(|number| picture.edges[number.parse::<usize>().expect("a number")].is_red = true);
            } else if let Some(rest) = line.strip_prefix("subgraph ") {
                let title = quoted(rest.split_once(' ').expect("an identifier and a title").1);
                picture.groups.push(title.clone());
                group = Some(title);
            } else if line == "end" {
                group = None;
            } else {
                picture.read_mermaid(line, group.as_ref());
            }
        }
        picture
    }

    fn read_mermaid(&mut self, line: &str, group: Option<&String>) {
        let id: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
        let Some(rest) = line[id.len()..].strip_prefix(' ') else {
            let node = Node { label: quoted(&line[id.len()..]), group: group.cloned(), is_idle: false };
            assert_eq!(self.nodes.insert(id, node), None, "two nodes in {line}");
            return;
        };
        let (arrow, to) = rest.rsplit_once(' ').expect("an arrow");
        let is_dashed = arrow.starts_with("-.->");
        let label = if arrow.contains('|') { quoted(arrow) } else { String::new() };
        self.add(Edge { from: id, to: to.to_owned(), label, is_dashed, is_red: false });
    }
}

fn text_of(attributes: &AttributeList, name: &str) -> String {
    let value = attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.replace("&amp;", "&"));
    value.unwrap_or_default()
}

/// The text between the only quotes of a line of Mermaid, with characters for numbers.
fn quoted(line: &str) -> String {
    let mut parts = line.split('"');
    let (text, end) = (parts.nth(1).expect("quotes"), parts.next().expect("two quotes"));
    assert!(parts.next().is_none() && !end.contains(['<', '#', '`']), "{line}");
    assert!(!text.contains(['<', '>', '`', '*', '\\', '&', '{', '}', '[', ']']), "{line}");
    let mut pieces = text.split('#');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (number, rest) = piece.split_once(';').expect("the end of a number");
        decoded.push(number.parse().ok().and_then(char::from_u32).expect("the number of a character"));
        decoded.push_str(rest);
    }
    decoded
}
