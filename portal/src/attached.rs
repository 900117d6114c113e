//! A form with a file, read as a whole: what a route takes is bounded before it comes here. Nothing touches a disk.

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use futures::stream;

use crate::call::Fields;
use crate::trouble::Trouble;

/// Longest mark between the parts of a form.
const LONGEST_MARK: usize = 70;

/// A form that carried a file.
pub(crate) struct Attached {
    /// Its fields, in their order.
    pub(crate) fields: Fields,
    /// Name and bytes of the file, if one was chosen.
    pub(crate) file: Option<(String, Bytes)>,
}

/// Reads the body of a form of type `multipart/form-data`. The mark between its parts is the body's first line.
///
/// # Errors
/// [`Trouble::Malformed`] when it is none.
pub(crate) async fn read(body: &Bytes) -> Result<Attached, Trouble> {
    let malformed = || Trouble::Malformed("trouble-field");
    let mark = mark(body).ok_or_else(malformed)?;
    let whole = stream::once(ready(Ok::<_, Infallible>(body.clone())));
    let mut form = multer::Multipart::new(whole, mark);
    let mut read = Attached { fields: Fields::default(), file: None };
    while let Some(part) = form.next_field().await.map_err(|_| malformed())? {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file) => {
                let bytes = part.bytes().await.map_err(|_| malformed())?;
                if !file.is_empty() && !bytes.is_empty() && read.file.is_none() {
                    read.file = Some((file, bytes));
                }
            }
            None => read.fields.0.push((name, part.text().await.map_err(|_| malformed())?)),
        }
    }
    Ok(read)
}

fn mark(body: &[u8]) -> Option<String> {
    let line = body.strip_prefix(b"--")?;
    let end = line.iter().take(LONGEST_MARK + 1).position(|byte| *byte == b'\r')?;
    String::from_utf8(line[..end].to_vec()).ok().filter(|mark| !mark.is_empty())
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::*;

    fn body(file: &str, content: &str) -> Bytes {
        let part = |head: &str, content: &str| {
            format!("--mark\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
        };
        let number = part("name=\"number\"", "LNB 12");
        let file = part(&format!("name=\"file\"; filename=\"{file}\""), content);
        Bytes::from(format!("{number}{file}--mark--\r\n"))
    }

    #[tokio::test]
    async fn fields_and_file_are_read() {
        let read = read(&body("sąskaita.pdf", "%PDF")).await.unwrap_or_else(|_| panic!("it is a form"));
        assert_eq!(read.fields.get("number"), Some("LNB 12"));
        assert_eq!(read.file, Some(("sąskaita.pdf".to_owned(), Bytes::from_static(b"%PDF"))));
    }

    #[tokio::test]
    async fn no_file_and_an_empty_one_are_none() {
        for (name, content) in [("", ""), ("empty.pdf", "")] {
            let read = read(&body(name, content)).await.unwrap_or_else(|_| panic!("it is a form"));
            assert!(read.file.is_none());
        }
    }

    #[tokio::test]
    async fn other_bodies_are_refused() {
        for wrong in ["", "a=b", "--\r\n", "--mark", "--mark\r\nno form", &format!("--{}\r\n", "m".repeat(80))] {
            assert!(read(&Bytes::from(wrong.to_owned())).await.is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_body_that_is_cut_or_changed_is_a_form_or_refused(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            length in any::<prop::sample::Index>(),
        ) {
            let mut bytes = body("sąskaita.pdf", "%PDF").to_vec();
            let cut = length.index(2 * bytes.len());
            bytes.truncate(cut);
            for (place, byte) in changes {
                let most = bytes.len().max(1);
                if let Some(old) = bytes.get_mut(place.index(most)) {
                    *old = byte;
                }
            }
            let most = bytes.len();
            if let Ok(read) = block_on(read(&Bytes::from(bytes))) {
                prop_assert!(read.file.is_none_or(|(_, content)| content.len() < most));
            }
        }
    }
}
