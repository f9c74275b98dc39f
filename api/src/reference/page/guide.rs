//! The guide: the README's own sections for merchants, so that there is no second text to keep true.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Options, Parser, html as render};

use crate::reference::Surfaced;

const README: &str = include_str!("../../../../README.md");

/// The sections that merchants need, as the README heads them.
pub const SECTIONS: [&str; 3] = ["A first payment", "Test cards", "Webhooks"];

/// A section of the README without its heading; empty if there is none.
pub fn section(heading: &str) -> &'static str {
    let begins = format!("\n## {heading}\n");
    let rest = README.split_once(&begins).map(|(_, rest)| rest);
    let section = rest.and_then(|rest| rest.split("\n## ").next());
    section.unwrap_or_default().trim()
}

/// Text with Markdown's marks as HTML.
pub fn marked(text: &str) -> Markup {
    let mut html = String::new();
    render::push_html(&mut html, Parser::new_ext(text, Options::ENABLE_TABLES));
    PreEscaped(html)
}

/// A heading as the name of a place on the page.
pub fn anchor(heading: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    heading.chars().map(letter).collect()
}

pub fn contents() -> Markup {
    html! {
        ul {
            li { a href="#surfaces" { "Four surfaces" } }
            @for heading in SECTIONS {
                li { a href={ "#" (anchor(heading)) } { (heading) } }
            }
        }
    }
}

pub fn content(all: &[Surfaced]) -> Markup {
    html! {
        h1 { "One gateway, four APIs" }
        p.lead {
            "A payment made on one surface can be read on the others. Choose the one whose words "
            "you already speak."
        }
        section #surfaces.cards {
            @for one in all {
                a.card href={ "/docs/" (one.surface.name()) } {
                    h2 { (one.surface.name()) }
                    p { (one.summary) }
                }
            }
        }
        @for heading in SECTIONS {
            section id=(anchor(heading)) {
                h2 { (heading) }
                (marked(section(heading)))
            }
        }
    }
}
