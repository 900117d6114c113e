//! As much of HTML as a judge of forms needs: tags with their attributes, links, forms.

/// A tag as it stands in a page.
#[derive(Debug)]
pub(crate) struct Tag {
    /// Its name in small letters; a closing tag's begins with a slash.
    pub(crate) name: String,
    /// Names in small letters, and values.
    pub(crate) attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute; empty where it stands without one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A form of a page.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    /// Whether it is sent by POST.
    pub(crate) posts: bool,
    /// Whether its body is in parts, with a file.
    pub(crate) is_multipart: bool,
    /// Where it goes.
    pub(crate) action: String,
    /// Names and values as the page fills them.
    pub(crate) fields: Vec<(String, String)>,
    /// Names and values of its buttons that have a name.
    pub(crate) buttons: Vec<(String, String)>,
}

/// All tags of a page, by the rules of HTML for text, attributes, comments and scripts.
pub(crate) fn tags(page: &str) -> Vec<Tag> {
    let (mut tags, mut rest): (Vec<Tag>, &str) = (Vec::new(), page);
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/') {
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        // What stands in these is text up to their end.
        if ["script", "style", "textarea", "title"].contains(&tag.name.as_str()) {
            let end = format!("</{}", tag.name);
            rest = rest.find(&end).map_or("", |at| &rest[at..]);
        }
        tags.push(tag);
    }
    tags
}

/// A tag after its opening bracket, and what follows it.
fn tag(text: &str) -> (Tag, &str) {
    let ends = |letter: char| letter.is_ascii_whitespace() || letter == '>';
    let length = text.find(ends).unwrap_or(text.len());
    let mut tag = Tag { name: text[..length].to_ascii_lowercase(), attributes: Vec::new() };
    let mut rest = &text[length..];
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (tag, rest.strip_prefix('>').unwrap_or_default());
        }
        let length =
            rest.find(|letter: char| ends(letter) || letter == '=' || letter == '/').unwrap_or(rest.len()).max(1);
        let name = rest[..length].to_ascii_lowercase();
        rest = rest[length..].trim_start();
        let mut value = "";
        if let Some(given) = rest.strip_prefix('=') {
            let given = given.trim_start();
            let quote = given.chars().next().filter(|first| ['"', '\''].contains(first));
            let inner = if quote.is_some() { &given[1..] } else { given };
            let length =
                inner.find(|letter: char| quote.map_or(ends(letter), |quote| letter == quote)).unwrap_or(inner.len());
            value = &inner[..length];
            rest = &inner[(length + usize::from(quote.is_some())).min(inner.len())..];
        }
        tag.attributes.push((name, plain(value)));
    }
}

/// A text with its character references read.
fn plain(text: &str) -> String {
    let known = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
    ];
    let read = known.iter().fold(text.to_owned(), |text, (name, letter)| text.replace(name, letter));
    read.replace("&#38;", "&").replace("&amp;", "&")
}

/// Addresses of this site that a page leads to.
pub(crate) fn links(tags: &[Tag]) -> Vec<String> {
    let links = tags.iter().filter(|tag| tag.name == "a").filter_map(|tag| tag.get("href"));
    let own = links.filter(|link| link.starts_with('/') && !link.starts_with("//"));
    own.map(|link| link.split('#').next().unwrap_or_default().to_owned()).collect()
}

/// The forms of a page that are sent without a script.
pub(crate) fn forms(tags: &[Tag]) -> Vec<Form> {
    let (mut forms, mut open) = (Vec::new(), None::<Form>);
    let mut choice = None::<(String, Option<String>)>;
    for tag in tags {
        let name = tag.get("name").filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        let value = || tag.get("value").unwrap_or_default().to_owned();
        match (tag.name.as_str(), &mut open) {
            ("form", _) => open = begun(tag),
            ("/form", _) => forms.extend(open.take()),
            ("select", Some(_)) => choice = name.map(|name| (name, None)),
            ("option", Some(_)) => {
                if let Some((_, chosen)) = &mut choice
                    && (chosen.is_none() || tag.get("selected").is_some())
                {
                    *chosen = Some(value());
                }
            }
            ("/select", Some(form)) => {
                form.fields.extend(choice.take().map(|(name, chosen)| (name, chosen.unwrap_or_default())));
            }
            ("textarea", Some(form)) => form.fields.extend(name.map(|name| (name, String::new()))),
            ("input", Some(form)) => form.fields.extend(name.map(|name| (name, value()))),
            ("button", Some(form)) => form.buttons.extend(name.map(|name| (name, value()))),
            _ => {}
        }
    }
    forms
}

fn begun(tag: &Tag) -> Option<Form> {
    let action = tag.get("action")?.to_owned();
    Some(Form {
        posts: tag.get("method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
        is_multipart: tag.get("enctype") == Some("multipart/form-data"),
        action,
        fields: Vec::new(),
        buttons: Vec::new(),
    })
}
