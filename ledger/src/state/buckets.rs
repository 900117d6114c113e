//! Values under places that are spread evenly: in buckets by the first bits of the place behind the year. One step leads to
//! a value, wherever a tree would take twenty.

use std::hint::black_box;

use crate::tree::TreeKey;

/// Most values of a bucket on the average; with more, every bucket is parted in two.
const LOAD: usize = 3;
/// Most bits that name a bucket.
const MOST_BITS: u32 = 32;

/// A place with its value.
pub(super) type Entry<T> = (TreeKey, T);

/// Values of one year, in the order of their places.
pub(super) struct Buckets<T> {
    bits: u32,
    len: usize,
    buckets: Vec<Vec<Entry<T>>>,
}

/// Whether two places of one bucket are the same. Their last bytes tell it nearly always, in a step.
fn is(one: &TreeKey, other: &TreeKey) -> bool {
    one.0.last_chunk::<16>() == other.0.last_chunk() && one == other
}

impl<T> Buckets<T> {
    pub(super) fn new() -> Self {
        Self { bits: 0, len: 0, buckets: vec![Vec::new()] }
    }

    /// Bits that name a bucket.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The bucket of a place.
    pub(super) fn index(&self, place: &TreeKey) -> usize {
        let first = u64::from_be_bytes(*place.0[2..].first_chunk().expect("a place has 32 bytes behind its year"));
        let index = first.checked_shr(u64::BITS - self.bits).unwrap_or_default();
        usize::try_from(index).expect("there are far fewer buckets than places of memory")
    }

    /// The values of a bucket, ascending.
    pub(super) fn bucket(&self, index: usize) -> &[Entry<T>] {
        &self.buckets[index]
    }

    pub(super) fn get(&self, place: &TreeKey) -> Option<&T> {
        self.buckets[self.index(place)].iter().find(|(known, _)| is(known, place)).map(|(_, value)| value)
    }

    /// Reads what is about to be looked through: far memory answers many questions in a row nearly as fast as one.
    pub(super) fn fetch<'p>(&self, places: impl Iterator<Item = &'p TreeKey> + Clone) {
        let lengths = places.clone().fold(0, |sum, place| sum ^ self.buckets[self.index(place)].len());
        let bytes = places.fold(0, |sum, place| match self.bucket(self.index(place)) {
            [] => sum,
            [one] => sum ^ one.0.0[0],
            [first, .., last] => sum ^ first.0.0[0] ^ last.0.0[0],
        });
        black_box((lengths, bytes));
    }

    /// Sets or removes what stands in a place, and gives what stood there.
    pub(super) fn set(&mut self, place: TreeKey, value: Option<T>) -> Option<T> {
        let index = self.index(&place);
        let bucket = &mut self.buckets[index];
        let at = bucket.iter().position(|(known, _)| *known >= place).unwrap_or(bucket.len());
        let stands = bucket.get(at).is_some_and(|(known, _)| *known == place);
        match (value, stands) {
            (Some(value), true) => Some(std::mem::replace(&mut bucket[at].1, value)),
            (Some(value), false) => {
                // Buckets stay small; room that they do not need would be a third of their memory.
                bucket.reserve_exact(1);
                bucket.insert(at, (place, value));
                self.len += 1;
                None
            }
            (None, true) => {
                self.len -= 1;
                Some(bucket.remove(at).1)
            }
            (None, false) => None,
        }
    }

    /// Parts every bucket in two when they are full on the average; says whether it did.
    pub(super) fn widen(&mut self) -> bool {
        if self.len <= LOAD << self.bits || self.bits == MOST_BITS {
            return false;
        }
        self.bits += 1;
        let narrow = std::mem::take(&mut self.buckets);
        self.buckets.reserve_exact(2 * narrow.len());
        for mut low in narrow {
            let first = self.buckets.len();
            let high = low.split_off(low.partition_point(|(place, _)| self.index(place) == first));
            low.shrink_to_fit();
            self.buckets.extend([low, high]);
        }
        true
    }

    /// The values from a place on, ascending.
    pub(super) fn from<'s>(&'s self, place: &TreeKey) -> impl Iterator<Item = &'s Entry<T>> + use<'s, T> {
        let (first, rest) = self.buckets[self.index(place)..].split_first().expect("a place has a bucket");
        let first = &first[first.partition_point(|(known, _)| known < place)..];
        first.iter().chain(rest.iter().flatten())
    }
}
