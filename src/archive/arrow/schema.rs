//! The six columns that people see, and the choice among them.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::error::{Error, Result};

/// A column of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    Partition,
    Offset,
    Timestamp,
    Key,
    Value,
    Headers,
}

impl Column {
    pub const ALL: [Column; 6] = [
        Column::Partition,
        Column::Offset,
        Column::Timestamp,
        Column::Key,
        Column::Value,
        Column::Headers,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Column::Partition => "partition",
            Column::Offset => "offset",
            Column::Timestamp => "timestamp",
            Column::Key => "key",
            Column::Value => "value",
            Column::Headers => "headers",
        }
    }

    pub fn parse(name: &str) -> Result<Column> {
        let found = Column::ALL.into_iter().find(|c| c.name() == name);
        found.ok_or_else(|| {
            Error::invalid(format!(
                "unknown column {name:?}: choose from partition, offset, timestamp, key, value, headers"
            ))
        })
    }
}

/// How keys and values lie in memory, those of headers too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binary {
    /// `BinaryView`: no copy.
    #[default]
    View,
    /// `Binary`, 32-bit offsets: one copy, at most 2 GiB a column of a batch.
    Small,
    /// `LargeBinary`, 64-bit offsets: one copy.
    Large,
}

impl Binary {
    fn data_type(self) -> DataType {
        match self {
            Binary::View => DataType::BinaryView,
            Binary::Small => DataType::Binary,
            Binary::Large => DataType::LargeBinary,
        }
    }

    fn text_type(self) -> DataType {
        match self {
            Binary::View => DataType::Utf8View,
            Binary::Small => DataType::Utf8,
            Binary::Large => DataType::LargeUtf8,
        }
    }
}

/// Which columns are wanted, in the order wanted. Empty is allowed: rows are counted only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    chosen: Vec<Column>,
}

impl Default for Columns {
    fn default() -> Self {
        Columns {
            chosen: Column::ALL.to_vec(),
        }
    }
}

impl Columns {
    /// Each column at most once: Invalid otherwise.
    pub fn new(chosen: impl IntoIterator<Item = Column>) -> Result<Columns> {
        let mut kept = Vec::new();
        for column in chosen {
            if kept.contains(&column) {
                return Err(Error::invalid(format!(
                    "column {:?} is asked for twice",
                    column.name()
                )));
            }
            kept.push(column);
        }
        Ok(Columns { chosen: kept })
    }

    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Columns> {
        let chosen: Result<Vec<Column>> = names.into_iter().map(Column::parse).collect();
        Columns::new(chosen?)
    }

    pub fn has(&self, column: Column) -> bool {
        self.chosen.contains(&column)
    }

    pub fn iter(&self) -> impl Iterator<Item = Column> + '_ {
        self.chosen.iter().copied()
    }

    pub fn schema(&self, binary: Binary) -> SchemaRef {
        let fields: Vec<Field> = self.iter().map(|c| field(c, binary)).collect();
        Arc::new(Schema::new(fields))
    }
}

/// The zone is written as Iceberg and Parquet readers give it back.
pub(crate) const UTC: &str = "UTC";

/// A header's name and value.
pub(crate) fn header_element(binary: Binary) -> Arc<Field> {
    let pair = Fields::from(vec![
        Field::new("key", binary.text_type(), false),
        Field::new("value", binary.data_type(), true),
    ]);
    Arc::new(Field::new("element", DataType::Struct(pair), false))
}

pub(crate) fn field(column: Column, binary: Binary) -> Field {
    let name = column.name();
    match column {
        Column::Partition => Field::new(name, DataType::Int32, false),
        Column::Offset => Field::new(name, DataType::Int64, false),
        Column::Timestamp => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
            Field::new(name, micros, true)
        }
        Column::Key | Column::Value => Field::new(name, binary.data_type(), true),
        Column::Headers => Field::new(name, DataType::List(header_element(binary)), false),
    }
}
