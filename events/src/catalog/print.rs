//! The catalog as tables.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use tabwriter::TabWriter;

use super::Catalog;

impl fmt::Display for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = self.events().map(|event| {
            let cells = [event.type_path(), event.abilities(), event.others(), event.place().to_string()];
            [event.name().to_owned()].into_iter().chain(cells).collect()
        });
        table(f, &["EVENT", "TYPE", "ABLE TO", "ALSO READ", "DECLARED AT"], events)?;
        f.write_char('\n')?;
        let handlers = self.handlers().map(|handler| {
            let patterns = if handler.patterns().is_empty() { "-".to_owned() } else { handler.patterns().join(" ") };
            vec![
                handler.order().to_string(),
                handler.path(),
                handler.call().to_owned(),
                handler.payload().to_owned(),
                patterns,
                handler.emits().join(" "),
                handler.also_matches().join(" "),
                handler.depends_on().join(" "),
                handler.place().to_string(),
            ]
        });
        let heads =
            ["ORDER", "HANDLER", "CALL", "TAKES", "PATTERNS", "EMITS", "ALSO MATCHES", "DEPENDS ON", "DECLARED AT"];
        table(f, &heads, handlers)?;
        if self.hooks().next().is_some() {
            f.write_char('\n')?;
            let hooks = self.hooks().map(|hook| {
                let moment = hook.moment().unwrap_or_default();
                let order = hook.order().to_string();
                vec![
                    moment,
                    order,
                    hook.path(),
                    hook.call().to_owned(),
                    hook.emits().join(" "),
                    hook.depends_on().join(" "),
                    hook.place().to_string(),
                ]
            });
            table(f, &["MOMENT", "ORDER", "HOOK", "CALL", "EMITS", "DEPENDS ON", "DECLARED AT"], hooks)?;
        }
        if self.providers().next().is_some() {
            f.write_char('\n')?;
            let providers = self.providers().map(|provider| {
                let lives = if provider.is_lifespan() { "lifespan" } else { "call" };
                vec![
                    provider.path(),
                    provider.value().to_owned(),
                    lives.to_owned(),
                    provider.depends_on().join(" "),
                    provider.place().to_string(),
                ]
            });
            table(f, &["PROVIDER", "MAKES", "FOR EACH", "DEPENDS ON", "DECLARED AT"], providers)?;
        }
        let findings = self.findings();
        if !findings.is_empty() {
            f.write_str("\nFINDINGS\n")?;
        }
        findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

fn table(f: &mut fmt::Formatter<'_>, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> fmt::Result {
    let mut aligned = TabWriter::new(Vec::new()).padding(2);
    let mut line = |cells: &[String]| writeln!(aligned, "{}", cells.join("\t")).map_err(|_| fmt::Error);
    line(&heads.iter().map(|&head| head.to_owned()).collect::<Vec<_>>())?;
    for row in rows {
        line(&row.iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { cell.clone() }).collect::<Vec<_>>())?;
    }
    let text = aligned.into_inner().map_err(|_| fmt::Error)?;
    f.write_str(&String::from_utf8_lossy(&text))
}
