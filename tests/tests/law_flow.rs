//! Whatever names, patterns and addresses hold, a picture is well-formed, says them as they are, and can be drawn.

use events::{AnyEvent, Lifespan, Null, SourceExt as _};
use layout::backends::svg::SVGWriter;
use layout::gv::{DotParser, GraphBuilder};
use proptest::prelude::*;

mod flow_support;

use flow_support::Picture;
use flow_support::at::At;

/// What means something to one of the languages, or to what they are drawn with, among letters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,4}".boxed(),
        "[^\\p{C}@?\\\\/:]".boxed(),
        prop::sample::select(vec![
            "\"", "#", ";", "#quot;", "&amp;", "<b>", "</svg>", "`", "**", "__", "end", "subgraph", "%%", "{", "}}",
            "[", "](", ")", "|", "-->", "1. ", "- ", "$$", "~~", "\\\\", "\\N", "ß", "猫", "🐟", "\u{202e}", "(", "'",
            "=",
        ])
        .prop_map(str::to_owned)
        .boxed(),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

/// How it stands in a file of SVG.
fn in_svg(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;")
}

proptest! {
    #[test]
    fn a_picture_says_names_as_they_are((name, pattern, address) in (text(), text(), text())) {
        let flow = Lifespan::builder()
            .source(At(address.clone()).named(&name))
            .source(At("all"))
            .on_pattern(pattern.as_str(), |_: AnyEvent| async {})
            .sink(name.as_str(), Null)
            .flow();
        let (mermaid, dot) = (Picture::mermaid(&flow.mermaid()), Picture::dot(&flow.dot()));
        prop_assert_eq!(&mermaid.nodes, &dot.nodes);
        prop_assert_eq!(mermaid.lines(), dot.lines());
        let labels: Vec<_> = mermaid.nodes.values().map(|node| node.label.as_str()).collect();
        for label in [&name, &address] {
            prop_assert!(labels.contains(&label.as_str()), "{} is not among {:?}", label, labels);
        }
        let matches = events::Pattern::new(&pattern).matches(&name);
        prop_assert_eq!(flow.idle().any(|node| node.path() == "closure"), !matches);
        prop_assert!(matches || labels.contains(&pattern.as_str()));

        let graph = DotParser::new(&flow.dot()).process().map_err(TestCaseError::fail)?;
        let mut builder = GraphBuilder::new();
        builder.visit_graph(&graph);
        let mut svg = SVGWriter::new();
        builder.get().do_it(false, false, false, &mut svg);
        let svg = svg.finalize();
        prop_assert!(svg.contains(&in_svg(&name.replace('&', "&amp;"))), "{} is not in {}", name, svg);
        prop_assert_eq!(svg.matches("<path id=\"arrow").count(), dot.edges.len());
    }
}
