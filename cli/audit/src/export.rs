//! Writing an export: block after block, resumable after a kill at the last sound frame.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use keis_ledger::block::Block;
use keis_ledger::chain::{Certificate, Height};
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::DocumentId;

use crate::content::{Entry, Extent, Foot, Head, IndexEntry, VERSION, document_named};
use crate::frame::{self, Chain, Flaw, Kind, MAGIC};
use crate::read::{Opening, Part, Reader};

/// A frame is written when so many bytes of blocks or documents wait.
const FRAME_BYTES: usize = 2 << 20;

/// Why an export cannot be written or continued.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file system refused.
    #[error("cannot write the export {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there, and is something else.
    #[error("{} is there and is no export; it stays as it is", path.display())]
    NotAnExport {
        /// The file.
        path: PathBuf,
    },
    /// The export is of another network.
    #[error("{} is an export of the network {found}, not of {expected}", path.display())]
    OtherNetwork {
        /// The file.
        path: PathBuf,
        /// The network in the file.
        found: Hash,
        /// The network to export.
        expected: Hash,
    },
    /// The export begins elsewhere.
    #[error("{} begins at height {found}, not at {expected}", path.display())]
    OtherStart {
        /// The file.
        path: PathBuf,
        /// First height in the file.
        found: Height,
        /// First height asked for.
        expected: Height,
    },
    /// The file cannot be read again.
    #[error("cannot read the export {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Flaw,
    },
    /// The source gives something that is no block.
    #[error("the block of height {0} cannot be read")]
    Block(Height),
    /// The source gives a block that does not follow.
    #[error("the block of height {0} does not follow the one before it, or its certificate is another block's")]
    Follow(Height),
}

/// An export that is being written. Without [`Export::finish`] it has no end, and says so to a reader.
pub struct Export {
    path: PathBuf,
    file: File,
    frames: FrameWriter,
    extent: Extent,
    waiting: Vec<Entry>,
    waiting_bytes: usize,
    papers: Vec<(DocumentId, Vec<u8>)>,
    papers_bytes: usize,
    named: BTreeSet<DocumentId>,
    cut: u64,
}

/// Where the next frame goes.
struct FrameWriter {
    chain: Chain,
    offset: u64,
    index: Vec<IndexEntry>,
}

impl Export {
    /// Begins a new file, or goes on after the last sound frame of one that is there.
    ///
    /// # Errors
    /// [`ExportError`] when the file is no export of this network from this height, or the file system refuses.
    pub fn open(path: &Path, network: Hash, from: Option<Height>) -> Result<Self, ExportError> {
        let write = |source| ExportError::Write { path: path.to_owned(), source };
        match File::options().read(true).write(true).open(path) {
            Ok(file) => Self::resume(path, file, network, from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = File::options().read(true).write(true).create_new(true).open(path).map_err(write)?;
                Self::begin(path, file, network, from.unwrap_or(Height(1))).map_err(write)
            }
            Err(error) => Err(write(error)),
        }
    }

    fn begin(path: &Path, mut file: File, network: Hash, from: Height) -> io::Result<Self> {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&MAGIC)?;
        let mut frames = FrameWriter { chain: Chain::start(), offset: MAGIC.len() as u64, index: Vec::new() };
        frames.write(&mut file, Kind::Head, &Head { version: VERSION, network, from }.encode())?;
        Ok(Self::at(path, file, frames, Extent::new(from)))
    }

    fn at(path: &Path, file: File, frames: FrameWriter, extent: Extent) -> Self {
        Self {
            path: path.to_owned(),
            file,
            frames,
            extent,
            waiting: Vec::new(),
            waiting_bytes: 0,
            papers: Vec::new(),
            papers_bytes: 0,
            named: BTreeSet::new(),
            cut: 0,
        }
    }

    fn resume(path: &Path, file: File, network: Hash, from: Option<Height>) -> Result<Self, ExportError> {
        let path_is = || path.to_owned();
        let write = |source| ExportError::Write { path: path_is(), source };
        let length = file.metadata().map_err(write)?.len();
        let mut reader = match Reader::open(BufReader::new(&file)) {
            Ok(reader) => reader,
            // Killed before the first frame was whole: nothing is lost with it.
            Err(Opening::Flaw(Flaw::Torn { .. } | Flaw::Unfinished { .. })) => {
                return Self::begin(path, file, network, from.unwrap_or(Height(1))).map_err(write);
            }
            Err(Opening::Flaw(source @ Flaw::Read { .. })) => {
                return Err(ExportError::Unreadable { path: path_is(), source });
            }
            Err(Opening::Flaw(_) | Opening::NotAnExport | Opening::Version(_)) => {
                return Err(ExportError::NotAnExport { path: path_is() });
            }
        };
        let head = *reader.head();
        if head.network != network {
            return Err(ExportError::OtherNetwork { path: path_is(), found: head.network, expected: network });
        }
        if let Some(expected) = from.filter(|from| *from != head.from) {
            return Err(ExportError::OtherStart { path: path_is(), found: head.from, expected });
        }
        let sound = Sound::scan(&mut reader, path)?;
        drop(reader);
        let mut export = Self::at(path, file, sound.frames, sound.extent);
        export.named = sound.named;
        export.cut = length - export.frames.offset;
        export.file.set_len(export.frames.offset).map_err(write)?;
        export.file.seek(SeekFrom::End(0)).map_err(write)?;
        Ok(export)
    }

    /// The height that comes next.
    pub fn next_height(&self) -> Height {
        self.extent.next()
    }

    /// Bytes behind the last sound frame that were cut off when the file was opened, its end among them.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// Adds the next block; says which documents it names for the first time.
    ///
    /// # Errors
    /// [`ExportError`] when it does not follow, or cannot be written.
    pub fn push(&mut self, block: Vec<u8>, certificate: &Certificate) -> Result<Vec<DocumentId>, ExportError> {
        let height = self.next_height();
        let read = Block::decode(&block).map_err(|_| ExportError::Block(height))?;
        let id = read.header.id();
        let follows = read.header.height == height && self.extent.tip.is_none_or(|tip| tip == read.header.parent);
        if !follows || certificate.height != height || certificate.block != id {
            return Err(ExportError::Follow(height));
        }
        let named = read.raw_transactions().filter_map(|raw| raw.parse(&read.header.network).ok());
        let named: BTreeSet<DocumentId> = named.filter_map(|one| document_named(one.body())).collect();
        let fresh: Vec<DocumentId> = named.into_iter().filter(|id| self.named.insert(*id)).collect();
        let certificate = codec::encode(certificate);
        self.waiting_bytes += block.len() + certificate.len();
        self.waiting.push(Entry { height, block, certificate });
        self.extent.grow(id);
        Ok(fresh)
    }

    /// Adds a document that a block named.
    ///
    /// # Errors
    /// [`ExportError::Write`].
    pub fn document(&mut self, id: DocumentId, bytes: Vec<u8>) -> Result<(), ExportError> {
        self.papers_bytes += bytes.len();
        self.papers.push((id, bytes));
        if self.papers_bytes >= FRAME_BYTES { self.flush_papers() } else { Ok(()) }
    }

    /// Writes what waits when it is worth a frame. Call it after the documents of a block.
    ///
    /// # Errors
    /// [`ExportError::Write`].
    pub fn settle(&mut self) -> Result<(), ExportError> {
        if self.waiting_bytes >= FRAME_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what waits. Documents come first: a block in the file has had its documents looked for.
    fn flush(&mut self) -> Result<(), ExportError> {
        self.flush_papers()?;
        let Some(first) = self.waiting.first().map(|entry| entry.height) else { return Ok(()) };
        self.frames.index.push((self.frames.offset, first));
        let entries = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        self.write(Kind::Blocks, &Entry::encode_all(entries))
    }

    fn flush_papers(&mut self) -> Result<(), ExportError> {
        if self.papers.is_empty() {
            return Ok(());
        }
        let papers = std::mem::take(&mut self.papers);
        self.extent.documents += papers.len() as u64;
        self.papers_bytes = 0;
        self.write(Kind::Documents, &codec::encode(&papers))
    }

    fn write(&mut self, kind: Kind, plain: &[u8]) -> Result<(), ExportError> {
        let written = self.frames.write(&mut self.file, kind, plain);
        written.map_err(|source| ExportError::Write { path: self.path.clone(), source })
    }

    /// Writes the end and makes the file durable; says what it holds.
    ///
    /// # Errors
    /// [`ExportError::Write`].
    pub fn finish(mut self) -> Result<Extent, ExportError> {
        self.flush()?;
        let foot = Foot { extent: self.extent, index: std::mem::take(&mut self.frames.index) };
        self.write(Kind::Foot, &foot.encode())?;
        self.file.sync_all().map_err(|source| ExportError::Write { path: self.path.clone(), source })?;
        Ok(self.extent)
    }
}

impl FrameWriter {
    fn write(&mut self, file: &mut File, kind: Kind, plain: &[u8]) -> io::Result<()> {
        self.offset += frame::write(file, &mut self.chain, kind, plain)?;
        Ok(())
    }
}

/// What a file holds up to its last sound frame, its end left out.
struct Sound {
    frames: FrameWriter,
    extent: Extent,
    named: BTreeSet<DocumentId>,
}

impl Sound {
    fn scan(reader: &mut Reader<impl io::Read>, path: &Path) -> Result<Self, ExportError> {
        let head = *reader.head();
        let (chain, offset) = reader.position();
        let mut sound = Self {
            frames: FrameWriter { chain, offset, index: Vec::new() },
            extent: Extent::new(head.from),
            named: BTreeSet::new(),
        };
        loop {
            match reader.part() {
                Ok(Part::Blocks(entries)) => {
                    if let Some(first) = entries.first() {
                        sound.frames.index.push((sound.frames.offset, first.height));
                    }
                    entries.into_iter().try_for_each(|entry| sound.take(&head, &entry))?;
                }
                Ok(Part::Documents(documents)) => {
                    sound.extent.documents += documents.len() as u64;
                    // Their blocks may be cut off, and name them again.
                    sound.named.extend(documents.iter().map(|(id, _)| *id));
                }
                Ok(Part::End(_)) => return Ok(sound),
                Err(source @ Flaw::Read { .. }) => {
                    return Err(ExportError::Unreadable { path: path.to_owned(), source });
                }
                // What follows the last sound frame is written anew.
                Err(
                    Flaw::Torn { .. }
                    | Flaw::Unfinished { .. }
                    | Flaw::Checksum { .. }
                    | Flaw::Malformed { .. }
                    | Flaw::Trailing { .. },
                ) => return Ok(sound),
            }
            (sound.frames.chain, sound.frames.offset) = reader.position();
        }
    }

    fn take(&mut self, head: &Head, entry: &Entry) -> Result<(), ExportError> {
        let block = Block::decode(&entry.block).map_err(|_| ExportError::Block(entry.height))?;
        if entry.height != self.extent.next() {
            return Err(ExportError::Follow(entry.height));
        }
        self.extent.grow(block.header.id());
        let named = block.raw_transactions().filter_map(|raw| raw.parse(&head.network).ok());
        self.named.extend(named.filter_map(|one| document_named(one.body())));
        Ok(())
    }
}
