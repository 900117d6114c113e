//! Small changes to a document's text, each of which must find its place.

/// A document that is broken by hand.
#[derive(Clone)]
pub struct Document(pub String);

impl Document {
    pub fn of(xml: Vec<u8>) -> Self {
        Self(String::from_utf8(xml).expect("documents are UTF-8"))
    }

    /// The `nth` (from 0) place of a text.
    fn place(&self, text: &str, nth: usize) -> usize {
        let found = self.0.match_indices(text).nth(nth);
        found.unwrap_or_else(|| panic!("there is no {text} number {nth}")).0
    }

    /// Begin and end of the `nth` element of a name, tags included.
    fn element(&self, name: &str, nth: usize) -> (usize, usize) {
        let tags = [format!("<{name}>"), format!("<{name} ")];
        let mut starts: Vec<usize> =
            tags.iter().flat_map(|tag| self.0.match_indices(tag.as_str()).map(|(at, _)| at)).collect();
        starts.sort_unstable();
        let start = *starts.get(nth).unwrap_or_else(|| panic!("there is no {name} number {nth}"));
        let close = format!("</{name}>");
        let end = self.0[start..].find(&close).unwrap_or_else(|| panic!("{name} is not closed"));
        (start, start + end + close.len())
    }

    /// Without the `nth` element of a name.
    pub fn without(mut self, name: &str, nth: usize) -> Self {
        let (start, end) = self.element(name, nth);
        self.0.replace_range(start..end, "");
        self
    }

    /// Without any element of a name.
    pub fn without_all(mut self, name: &str) -> Self {
        while self.0.contains(&format!("<{name}>")) {
            self = self.without(name, 0);
        }
        self
    }

    /// With another content of the `nth` element of a name.
    pub fn set(mut self, name: &str, nth: usize, content: &str) -> Self {
        let (start, end) = self.element(name, nth);
        let open = start + self.0[start..].find('>').expect("a tag is closed") + 1;
        self.0.replace_range(open..end - name.len() - 3, content);
        self
    }

    /// With the `nth` place of a text replaced.
    pub fn swap(mut self, from: &str, nth: usize, to: &str) -> Self {
        let at = self.place(from, nth);
        self.0.replace_range(at..at + from.len(), to);
        self
    }

    /// With more after the `nth` element of a name.
    pub fn after(mut self, name: &str, nth: usize, more: &str) -> Self {
        let (_, end) = self.element(name, nth);
        self.0.insert_str(end, more);
        self
    }

    /// With more before the `nth` element of a name.
    pub fn before(mut self, name: &str, nth: usize, more: &str) -> Self {
        let (start, _) = self.element(name, nth);
        self.0.insert_str(start, more);
        self
    }
}
