//! Someone else's XML as a small tree. The file may be an attacker's: bytes, depth, elements and attributes are
//! bounded, a document type is refused, and no entity but XML's own five is known, so nothing is fetched and nothing
//! grows.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use crate::write::{AGGREGATE_SPACE, BASIC_SPACE, CREDIT_NOTE_SPACE, INVOICE_SPACE};

/// Most bytes of a file; attached pictures of pages count.
const MAX_BYTES: usize = 16 << 20;
/// Deepest nesting.
const MAX_DEPTH: usize = 32;
/// Most elements.
const MAX_ELEMENTS: usize = 300_000;
/// Most attributes of an element.
const MAX_ATTRIBUTES: usize = 16;

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// The file is too long.
    #[error("the file has {bytes} bytes, {MAX_BYTES} are the most")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The file is not UTF-8, or says so.
    #[error("the file is not UTF-8")]
    NotUtf8,
    /// It declares a document type.
    #[error("a document type is declared")]
    DocumentType,
    /// It uses an entity that XML does not define.
    #[error("an unknown entity is used")]
    Entity,
    /// Elements lie too deep in each other.
    #[error("elements lie more than {MAX_DEPTH} deep")]
    TooDeep,
    /// Too many elements.
    #[error("there are more than {MAX_ELEMENTS} elements")]
    TooManyElements,
    /// Too many attributes.
    #[error("an element has more than {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    /// It is not XML.
    #[error("it is no XML near byte {position}")]
    Malformed {
        /// Where.
        position: u64,
    },
    /// It is XML, but neither an invoice nor a credit note of UBL.
    #[error("it is neither an invoice nor a credit note of UBL 2.1")]
    NotUbl,
    /// An element is missing or cannot be read.
    #[error("{element} is missing or cannot be read")]
    Element {
        /// The business term or element.
        element: &'static str,
    },
}

/// Where a name belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Invoice,
    CreditNote,
    Aggregate,
    Basic,
    Other,
}

/// An element.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) space: Space,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// The first child aggregate of this name.
    pub(crate) fn group(&self, name: &str) -> Option<&Self> {
        self.groups(name).next()
    }

    /// The child aggregates of this name.
    pub(crate) fn groups(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.space == Space::Aggregate && child.name == name)
    }

    /// The child values of this name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.space == Space::Basic && child.name == name)
    }

    /// The trimmed text of the first child value of this name, unless it is empty.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next().map(|value| value.text.trim()).filter(|text| !text.is_empty())
    }

    /// The value at the end of a path of aggregates.
    pub(crate) fn at(&self, path: &[&str], name: &str) -> Option<&str> {
        path.iter().try_fold(self, |node, step| node.group(step))?.value(name)
    }

    /// An attribute without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every text below.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        let mut waiting = vec![self];
        while let Some(node) = waiting.pop() {
            texts.push(node.text.as_str());
            waiting.extend(node.children.iter().rev());
        }
        texts
    }
}

/// The root of a file.
pub(crate) fn read(bytes: &[u8]) -> Result<Node, XmlError> {
    if bytes.len() > MAX_BYTES {
        return Err(XmlError::TooLong { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().enable_all_checks(true);
    reader.config_mut().expand_empty_elements = true;
    let mut tree = Tree::default();
    loop {
        let position = reader.buffer_position();
        let malformed = || XmlError::Malformed { position };
        match reader.read_resolved_event().map_err(|_| malformed())? {
            (_, Event::Eof) => return tree.root.filter(|_| tree.open.is_empty()).ok_or_else(malformed),
            (space, Event::Start(start)) => {
                let space = known(&space).ok_or_else(malformed)?;
                tree.start(space, &start)?.ok_or_else(malformed)?;
            }
            (_, event) => tree.event(&event)?.ok_or_else(malformed)?,
        }
    }
}

/// A tree while it is read.
#[derive(Default)]
struct Tree {
    /// The elements around the place that is read, outermost first.
    open: Vec<Node>,
    root: Option<Node>,
    elements: usize,
}

impl Tree {
    /// An element begins; none when it may not.
    fn start(&mut self, space: Space, start: &BytesStart<'_>) -> Result<Option<()>, XmlError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(XmlError::TooManyElements);
        }
        if self.open.len() == MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        let Some(node) = node(space, start)? else { return Ok(None) };
        self.open.push(node);
        Ok(self.root.is_none().then_some(()))
    }

    /// Everything else; none when it is malformed.
    fn event(&mut self, event: &Event<'_>) -> Result<Option<()>, XmlError> {
        match event {
            Event::End(_) => Ok(self.end()),
            Event::Text(text) => Ok(self.add(&text.xml10_content())),
            Event::CData(text) => Ok(self.add(&text.xml10_content())),
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref().map_err(|_| XmlError::Entity)? {
                    Some(character) => character.to_string(),
                    None => entity(reference).ok_or(XmlError::Entity)?.to_owned(),
                };
                Ok(self.add(&character))
            }
            Event::Decl(declaration) => match declaration.encoding() {
                None => Ok(Some(())),
                Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(Some(())),
                Some(_) => Err(XmlError::NotUtf8),
            },
            Event::DocType(_) => Err(XmlError::DocumentType),
            Event::Comment(_) | Event::PI(_) => Ok(Some(())),
            Event::Start(_) | Event::Empty(_) | Event::Eof => Ok(None),
        }
    }

    fn end(&mut self) -> Option<()> {
        let closed = self.open.pop()?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => self.root = Some(closed),
        }
        Some(())
    }

    /// Adds text to the innermost open element; outside of all there may be space alone.
    fn add(&mut self, text: &str) -> Option<()> {
        match self.open.last_mut() {
            // An attached file is of no use to a comparison.
            Some(node) if node.name == "EmbeddedDocumentBinaryObject" => Some(()),
            Some(node) => {
                node.text.push_str(text);
                Some(())
            }
            None => text.trim().is_empty().then_some(()),
        }
    }
}

fn known(space: &ResolveResult<'_>) -> Option<Space> {
    match space {
        ResolveResult::Bound(space) => Some(match space.0 {
            INVOICE_SPACE => Space::Invoice,
            CREDIT_NOTE_SPACE => Space::CreditNote,
            AGGREGATE_SPACE => Space::Aggregate,
            BASIC_SPACE => Space::Basic,
            _ => Space::Other,
        }),
        ResolveResult::Unbound => Some(Space::Other),
        ResolveResult::Unknown(_) => None,
    }
}

/// The element of a start tag; none when its attributes are no XML.
fn node(space: Space, start: &BytesStart<'_>) -> Result<Option<Node>, XmlError> {
    let mut attributes = Vec::new();
    for (count, attribute) in start.attributes().enumerate() {
        if count == MAX_ATTRIBUTES {
            return Err(XmlError::TooManyAttributes);
        }
        let Ok(attribute) = attribute else { return Ok(None) };
        let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else { return Err(XmlError::Entity) };
        attributes.push((attribute.key.0.to_owned(), value.into_owned()));
    }
    let name = start.local_name().into_inner().to_owned();
    Ok(Some(Node { space, name, text: String::new(), attributes, children: Vec::new() }))
}

fn entity(name: &str) -> Option<&'static str> {
    match name {
        "lt" => Some("<"),
        "gt" => Some(">"),
        "amp" => Some("&"),
        "apos" => Some("'"),
        "quot" => Some("\""),
        _ => None,
    }
}
