//! The page of metrics as it is written: families, each with its rows.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::metrics::TimesRead;

/// Label names and values.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

pub(super) struct Page<'a>(DescriptorEncoder<'a>);

impl<'a> Page<'a> {
    pub fn new(encoder: DescriptorEncoder<'a>) -> Page<'a> {
        Page(encoder)
    }

    /// What goes up and down. A family without rows still has its head.
    pub fn gauges(
        &mut self,
        name: &str,
        help: &str,
        rows: impl FnOnce(&mut Rows<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, rows)
    }

    /// What only grows; shown as `<name>_total`.
    pub fn counters(
        &mut self,
        name: &str,
        help: &str,
        rows: impl FnOnce(&mut Rows<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Counter, rows)
    }

    pub fn histograms(
        &mut self,
        name: &str,
        help: &str,
        rows: impl FnOnce(&mut Rows<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Histogram, rows)
    }

    pub fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.gauges(name, help, |rows| rows.gauge(&[], value))
    }

    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.counters(name, help, |rows| rows.counter(&[], value))
    }

    pub fn info(&mut self, name: &str, help: &str, labels: Labels<'_>) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Info)?;
        metric.encode_info(&labels)
    }

    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        rows: impl FnOnce(&mut Rows<'_>) -> fmt::Result,
    ) -> fmt::Result {
        rows(&mut Rows(self.0.encode_descriptor(name, help, None, kind)?))
    }
}

/// The rows of one family.
pub(super) struct Rows<'a>(MetricEncoder<'a>);

impl Rows<'_> {
    pub fn gauge(&mut self, labels: Labels<'_>, value: u64) -> fmt::Result {
        self.with(labels, |metric| {
            metric.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
        })
    }

    pub fn counter(&mut self, labels: Labels<'_>, value: u64) -> fmt::Result {
        self.with(labels, |metric| {
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    pub fn fractional_counter(&mut self, labels: Labels<'_>, value: f64) -> fmt::Result {
        self.with(labels, |metric| {
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    pub fn histogram(&mut self, labels: Labels<'_>, times: &TimesRead) -> fmt::Result {
        self.with(labels, |metric| {
            let TimesRead {
                seconds,
                count,
                buckets,
            } = times;
            metric.encode_histogram::<NoLabelSet>(*seconds, *count, buckets, None)
        })
    }

    fn with(
        &mut self,
        labels: Labels<'_>,
        write: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        match labels.is_empty() {
            true => write(&mut self.0),
            false => write(&mut self.0.encode_family(&labels)?),
        }
    }
}
