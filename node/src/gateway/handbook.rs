//! The description as a page: made from the document, without scripts and without anything from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use warp::http::{HeaderValue, StatusCode, header};

use super::call::{Answer, Call, bytes};
use super::keep::Keep;
use super::{Context, openapi};

/// What the page may do: show itself.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;color:#1b1b1b;background:#fff}\
h1,h2,h3,h4{line-height:1.2}h3{margin-top:2.5rem;border-top:1px solid #767676;padding-top:1rem}\
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere;background:#f2f2f2;padding:0 .2em}a{color:#0b4f8a}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #ccc}\
nav ul{padding-left:1.2rem}";

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document: Value = serde_json::from_slice(&openapi::TEXT).expect("the description is JSON");
    whole(&document)
});

/// This description as a page for people.
#[utoipa::path(get, path = "/docs", tag = "node",
    responses((status = 200, description = "The page", body = String, content_type = "text/html")))]
pub(super) async fn page(_: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let page = PAGE.clone().into_bytes();
    let mut response = bytes(StatusCode::OK, Keep::Moving, "text/html; charset=utf-8", page);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

/// An operation with where it is.
struct Entry<'d> {
    method: &'d str,
    path: &'d str,
    what: &'d Value,
}

impl Entry<'_> {
    fn anchor(&self) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        format!("{}{}", self.method, self.path.chars().map(plain).collect::<String>())
    }
}

fn whole(document: &Value) -> String {
    let mut by_tag: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, what) in operations.as_object().into_iter().flatten() {
            by_tag.entry(what["tags"][0].as_str().unwrap_or("others")).or_default().push(Entry { method, path, what });
        }
    }
    let title = words(&document["info"]["title"]);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <header><h1>{title}</h1><p>{}</p><p>The same for programs: <a href=\"/v1/openapi.json\">/v1/openapi.json</a></p></header>\n",
        words(&document["info"]["description"])
    );
    page.push_str("<nav aria-label=\"Addresses\">");
    for (tag, entries) in &by_tag {
        put(&mut page, format_args!("<h2>{}</h2><ul>", escaped(tag)));
        for entry in entries {
            let (anchor, method) = (entry.anchor(), entry.method.to_uppercase());
            put(
                &mut page,
                format_args!("<li><a href=\"#{anchor}\"><code>{method} {}</code></a></li>", escaped(entry.path)),
            );
        }
        page.push_str("</ul>");
    }
    page.push_str("</nav>\n<main>");
    for (tag, entries) in &by_tag {
        put(&mut page, format_args!("<h2>{}</h2>", escaped(tag)));
        entries.iter().for_each(|entry| operation(&mut page, entry));
    }
    schemas(&mut page, &document["components"]);
    page.push_str("</main></body></html>\n");
    page
}

fn operation(page: &mut String, entry: &Entry<'_>) {
    let Entry { method, path, what } = entry;
    let (anchor, method) = (entry.anchor(), method.to_uppercase());
    put(page, format_args!("<h3 id=\"{anchor}\"><code>{method} {}</code></h3>", escaped(path)));
    let about = [&what["summary"], &what["description"]].map(words);
    put(page, format_args!("<p>{} {}</p>", about[0], about[1]));
    if what["security"].is_array() {
        page.push_str("<p><strong>Signed requests only.</strong></p>");
    }
    if let Some(parameters) = what["parameters"].as_array().filter(|parameters| !parameters.is_empty()) {
        page.push_str(
            "<h4>Parameters</h4><table><tr><th scope=\"col\">Name</th><th scope=\"col\">In</th>\
            <th scope=\"col\">Meaning</th></tr>",
        );
        for one in parameters {
            let need = if one["required"] == true { "" } else { " (may be absent)" };
            let (name, place, about) = (words(&one["name"]), words(&one["in"]), words(&one["description"]));
            put(page, format_args!("<tr><td><code>{name}</code></td><td>{place}</td><td>{about}{need}</td></tr>"));
        }
        page.push_str("</table>");
    }
    if let Some(content) = what["requestBody"]["content"].as_object() {
        put(page, format_args!("<h4>Body</h4><p>{}</p><ul>", words(&what["requestBody"]["description"])));
        for (media_type, body) in content {
            put(page, format_args!("<li><code>{}</code> {}</li>", escaped(media_type), shape(&body["schema"])));
        }
        page.push_str("</ul>");
    }
    page.push_str(
        "<h4>Answers</h4><table><tr><th scope=\"col\">Status</th><th scope=\"col\">Meaning</th>\
        <th scope=\"col\">Content</th></tr>",
    );
    for (status, answer) in what["responses"].as_object().into_iter().flatten() {
        let contents = answer["content"].as_object().into_iter().flatten();
        let contents: Vec<String> = contents
            .map(|(media_type, body)| format!("<code>{}</code> {}", escaped(media_type), shape(&body["schema"])))
            .collect();
        let (status, about, contents) = (escaped(status), words(&answer["description"]), contents.join("<br>"));
        put(page, format_args!("<tr><td>{status}</td><td>{about}</td><td>{contents}</td></tr>"));
    }
    page.push_str("</table>\n");
}

fn schemas(page: &mut String, components: &Value) {
    page.push_str("<h2>Forms</h2>");
    for (name, schema) in components["schemas"].as_object().into_iter().flatten() {
        let (name, about) = (escaped(name), words(&schema["description"]));
        put(page, format_args!("<h3 id=\"form-{name}\">{name}</h3><p>{about}</p>"));
        // A form of several parts has its fields in them.
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        let fields: Vec<_> = parts.filter_map(|part| part["properties"].as_object()).flatten().collect();
        if fields.is_empty() {
            continue;
        }
        page.push_str(
            "<table><tr><th scope=\"col\">Field</th><th scope=\"col\">Type</th><th scope=\"col\">Meaning</th></tr>",
        );
        for (field, of) in fields {
            let (field, about) = (escaped(field), words(&of["description"]));
            put(page, format_args!("<tr><td><code>{field}</code></td><td>{}</td><td>{about}</td></tr>", shape(of)));
        }
        page.push_str("</table>");
    }
    for (name, scheme) in components["securitySchemes"].as_object().into_iter().flatten() {
        put(page, format_args!("<h2>{}</h2><p>{}</p>", escaped(name), words(&scheme["description"])));
    }
}

/// What a schema is, in a few words.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#form-{name}\">{name}</a>");
    }
    let choices = ["oneOf", "allOf"].iter().find_map(|word| schema[word].as_array());
    if let Some(choices) = choices {
        return choices.iter().map(shape).collect::<Vec<_>>().join(" or ");
    }
    let kind = match &schema["type"] {
        Value::Array(several) => several.iter().map(words).collect::<Vec<_>>().join(" or "),
        one => words(one),
    };
    if schema["items"].is_object() { format!("{kind} of {}", shape(&schema["items"])) } else { kind }
}

/// A text of the description, its `code` marked.
fn words(text: &Value) -> String {
    let text = escaped(text.as_str().unwrap_or_default());
    let mut said = String::new();
    for (place, part) in text.split('`').enumerate() {
        let is_code = place % 2 == 1;
        said.push_str(&if is_code { format!("<code>{part}</code>") } else { part.to_owned() });
    }
    said
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

fn put(page: &mut String, piece: std::fmt::Arguments<'_>) {
    page.write_fmt(piece).expect("memory takes text");
}
