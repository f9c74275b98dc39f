//! The guide: the README's own sections for merchants, so that there is no second text to keep true.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Options, Parser, html as render};

use crate::openapi::Surfaced;
use crate::openapi::first::BASE;

const README: &str = include_str!("../../../../README.md");

/// The sections that merchants need, as the README heads them.
pub const SECTIONS: [&str; 8] = [
    "The four surfaces",
    "Authentication",
    "Lists",
    "Idempotency-Key",
    "Rate limits",
    "Errors",
    "Webhooks",
    "Test cards",
];

/// What stands in the README for what `make up` made, and what a merchant puts there.
const PLACES: [(&str, &str); 3] = [
    (r#"'"$SLUICE_SANDBOX_URL"'"#, "http://127.0.0.1:30724"),
    ("$SLUICE_SANDBOX_URL", "http://127.0.0.1:30724"),
    ("$SLUICE_TEST_KEY", "sk_test_YOUR_KEY"),
];

/// A section of the README without its heading; empty if there is none.
pub fn section(heading: &str) -> &'static str {
    let below = |marks: &str| {
        let begins = format!("\n{marks} {heading}\n");
        README.split_once(&begins).map(|(_, rest)| rest)
    };
    let until = |rest: &'static str, marks: &str| rest.split(marks).next();
    let section = match (below("##"), below("###")) {
        (Some(rest), _) => until(rest, "\n## "),
        (None, Some(rest)) => until(rest, "\n## ").and_then(|rest| until(rest, "\n### ")),
        (None, None) => None,
    };
    section.unwrap_or_default().trim()
}

/// Text with Markdown's marks as HTML. A table that is too wide scrolls by itself.
pub fn marked(text: &str) -> Markup {
    let mut html = String::new();
    render::push_html(&mut html, Parser::new_ext(text, Options::ENABLE_TABLES));
    let html = html
        .replace("<table>", r#"<div class="wide" tabindex="0"><table>"#)
        .replace("</table>", "</table></div>");
    PreEscaped(html)
}

/// A section as merchants need it, who have no checkout.
fn shown(heading: &str) -> Markup {
    let places = PLACES.into_iter().chain([("$SLUICE_URL", BASE)]);
    let text = places.fold(section(heading).to_owned(), |text, (name, place)| {
        text.replace(name, place)
    });
    marked(&text)
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
            li { a href="#first-call" { "A first call" } }
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
        section #first-call {
            h2 { "A first call" }
            p {
                "Every surface's page begins with one to copy: put in your test key, and compare "
                "the answer. "
                (links(all, "first-call"))
            }
        }
        @for heading in SECTIONS {
            section id=(anchor(heading)) {
                h2 { (heading) }
                (shown(heading))
                @if heading == "Errors" {
                    p {
                        "All errors, with when they come and what to do: "
                        (links(all, "errors"))
                    }
                }
            }
        }
    }
}

/// The same place on every surface's page.
fn links(all: &[Surfaced], place: &str) -> Markup {
    html! {
        span.links {
            @for one in all {
                @let name = one.surface.name();
                a href={ "/docs/" (name) "#" (place) } { (name) } " "
            }
        }
    }
}
