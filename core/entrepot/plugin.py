"""The front door for plugin authors: all that a plugin needs, and nothing else."""

from __future__ import annotations

from entrepot.assembly.declarative_version import DeclarativeVersion
from entrepot.assembly.outcome import SyncOutcome
from entrepot.assembly.registrations import (
    Executor,
    ExecutorContext,
    FirstStage,
    ImportContext,
    Imported,
    Importer,
    Intake,
    Publisher,
)
from entrepot.decoding.compressed import bounded_decode
from entrepot.decoding.json_text import bounded_json
from entrepot.decoding.limits import BeyondLimits
from entrepot.decoding.xml_events import XmlBegun, XmlEnded, XmlEvent, XmlLimits, XmlText, bounded_xml
from entrepot.download.errors import Absent, AccessDenied, DownloadError, Unavailable
from entrepot.download.protocol import Answer, Fetcher, Lane, Request, Traffic
from entrepot.errors import (
    ConfigurationError,
    DepotError,
    DigestMismatch,
    EntrepotError,
    Failed,
    IntegrityError,
    InvalidMetadata,
    InvalidPath,
    NotBound,
    NotFound,
    NotHeld,
    PipelineStopped,
    PlanError,
    PluginError,
    Refused,
    SizeMismatch,
    UpstreamError,
    safe_url,
)
from entrepot.executors.command import run_command
from entrepot.hooks.specs import hookimpl
from entrepot.model import facts
from entrepot.model.artifact import Artifact
from entrepot.model.combining import Combining, Merge
from entrepot.model.content import Content, derived, indexed, key, key_of
from entrepot.model.context import RunContext, SyncContext
from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent, Declared, Fetched, Stored
from entrepot.model.digest import Digest, parse_digest
from entrepot.model.downloading import Download, Downloader, Validator
from entrepot.model.facts import Fact
from entrepot.model.incoming import Incoming, Received, Receiver
from entrepot.model.job import JobOutput, JobRunner, SyncJob
from entrepot.model.ledger import KeptArtifact, PathRow, UnitPast
from entrepot.model.publication import Published, PublishedFile, Unpublished, VersionView
from entrepot.model.pulled import Pulled
from entrepot.model.relative_path import RelativePath, relative_path
from entrepot.model.remote import Policy, Remote, Secret
from entrepot.model.repository import Repository, RepositoryVersion
from entrepot.model.upload import Accepted, Unacceptable, Upload, UploadReader
from entrepot.model.verification import Verification
from entrepot.pipeline.edits import Edit, after, before, move_after, move_before, remove, replace
from entrepot.pipeline.plan import Plan
from entrepot.pipeline.run import create_pipeline
from entrepot.pipeline.stage import EndStage
from entrepot.stages.artifact_downloader import ArtifactDownloader
from entrepot.stages.artifact_saver import ArtifactSaver
from entrepot.stages.content_association import ContentAssociation
from entrepot.stages.content_saver import ContentSaver
from entrepot.stages.content_unassociation import ContentUnassociation
from entrepot.stages.query_existing_artifacts import QueryExistingArtifacts
from entrepot.stages.query_existing_contents import QueryExistingContents
from entrepot.stages.remote_artifact_saver import RemoteArtifactSaver
from entrepot.stages.resolve_content_futures import ResolveContentFutures
from entrepot.stages.stage import Stage
from entrepot.storage.protocol import Damage, Standing, Storage

__all__ = [
    "Absent",
    "Accepted",
    "AccessDenied",
    "Answer",
    "Artifact",
    "ArtifactDownloader",
    "ArtifactSaver",
    "BeyondLimits",
    "Combining",
    "ConfigurationError",
    "Content",
    "ContentAssociation",
    "ContentSaver",
    "ContentUnassociation",
    "Damage",
    "DeclarativeArtifact",
    "DeclarativeContent",
    "DeclarativeVersion",
    "Declared",
    "DepotError",
    "Digest",
    "DigestMismatch",
    "Download",
    "DownloadError",
    "Downloader",
    "Edit",
    "EndStage",
    "EntrepotError",
    "Executor",
    "ExecutorContext",
    "Fact",
    "Failed",
    "Fetched",
    "Fetcher",
    "FirstStage",
    "ImportContext",
    "Imported",
    "Importer",
    "Incoming",
    "Intake",
    "IntegrityError",
    "InvalidMetadata",
    "InvalidPath",
    "JobOutput",
    "JobRunner",
    "KeptArtifact",
    "Lane",
    "Merge",
    "NotBound",
    "NotFound",
    "NotHeld",
    "PathRow",
    "PipelineStopped",
    "Plan",
    "PlanError",
    "PluginError",
    "Policy",
    "Published",
    "PublishedFile",
    "Publisher",
    "Pulled",
    "QueryExistingArtifacts",
    "QueryExistingContents",
    "Received",
    "Receiver",
    "Refused",
    "RelativePath",
    "Remote",
    "RemoteArtifactSaver",
    "Repository",
    "RepositoryVersion",
    "Request",
    "ResolveContentFutures",
    "RunContext",
    "Secret",
    "SizeMismatch",
    "Stage",
    "Standing",
    "Storage",
    "Stored",
    "SyncContext",
    "SyncJob",
    "SyncOutcome",
    "Traffic",
    "Unacceptable",
    "Unavailable",
    "UnitPast",
    "Unpublished",
    "Upload",
    "UploadReader",
    "UpstreamError",
    "Validator",
    "Verification",
    "VersionView",
    "XmlBegun",
    "XmlEnded",
    "XmlEvent",
    "XmlLimits",
    "XmlText",
    "after",
    "before",
    "bounded_decode",
    "bounded_json",
    "bounded_xml",
    "create_pipeline",
    "derived",
    "facts",
    "hookimpl",
    "indexed",
    "key",
    "key_of",
    "move_after",
    "move_before",
    "parse_digest",
    "relative_path",
    "remove",
    "replace",
    "run_command",
    "safe_url",
]
