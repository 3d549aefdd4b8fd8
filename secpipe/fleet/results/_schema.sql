-- What became of a fleet. One text for SQLite and PostgreSQL: the comments /*…*/ become code for the one that they name.
-- A run is a number that grows. Rows with `since` and `until` say what was known as of a run: from `since` on and, where
-- `until` is not null, before `until`. Ids are given by the one process that writes.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE advisories (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE);

-- status: running, completed, or abandoned for another run that was begun instead of going on.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  started TEXT NOT NULL,
  finished TEXT,
  status TEXT NOT NULL,
  advisories INTEGER NOT NULL,
  version TEXT NOT NULL,
  catalogers TEXT NOT NULL,
  options TEXT NOT NULL,
  seconds DOUBLE PRECISION NOT NULL
);

-- A reference without the digest behind its tag: what an image that runs is called from one day to the next.
CREATE TABLE names (id INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, named_by TEXT NOT NULL);

-- Layers by blob and diff-id, and stacks of them: each is the one below and a layer. Images share those of their bases.
CREATE TABLE layers (
  id INTEGER PRIMARY KEY, key BYTEA NOT NULL UNIQUE, digest TEXT NOT NULL, diff_id TEXT NOT NULL, size BIGINT NOT NULL
);
CREATE TABLE chains (
  id INTEGER PRIMARY KEY, key BYTEA NOT NULL UNIQUE, parent INTEGER NOT NULL, layer INTEGER NOT NULL, depth INTEGER NOT NULL
);

-- An image of one platform: what is in it besides packages (`head`), and the last verdict on it.
CREATE TABLE images (
  id INTEGER PRIMARY KEY,
  key BYTEA NOT NULL UNIQUE,
  digest TEXT NOT NULL,
  platform TEXT NOT NULL,
  chain INTEGER NOT NULL,
  distribution TEXT NOT NULL,
  catalogers TEXT NOT NULL,
  head BYTEA NOT NULL,
  packages INTEGER NOT NULL,
  judged INTEGER NOT NULL,
  advisories INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  exit_code INTEGER NOT NULL,
  reason TEXT NOT NULL,
  critical INTEGER NOT NULL,
  high INTEGER NOT NULL,
  medium INTEGER NOT NULL,
  low INTEGER NOT NULL,
  negligible INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  suppressed INTEGER NOT NULL
);
CREATE INDEX images_chain ON images (chain);

-- The runs between which a name led to an image; `seen` is the last one that confirmed it.
CREATE TABLE sightings (
  name INTEGER NOT NULL,
  image INTEGER NOT NULL,
  since INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  until INTEGER,
  PRIMARY KEY (name, image, since)
)/*SQLITE WITHOUT ROWID*/;
CREATE INDEX sightings_image ON sightings (image, name);
CREATE INDEX sightings_until ON sightings (until);

-- Packages without their layer, each once; `matched` tells whether advisories are held against it, which of what a
-- distribution's package brought they are not. `subject` is what its advisories are about: often its source package.
CREATE TABLE packages (
  id INTEGER PRIMARY KEY,
  key BYTEA NOT NULL UNIQUE,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  ecosystem TEXT NOT NULL,
  purl TEXT NOT NULL,
  source TEXT NOT NULL,
  subject TEXT NOT NULL,
  subject_version TEXT NOT NULL,
  matched INTEGER NOT NULL,
  value BYTEA NOT NULL
);
CREATE INDEX packages_name ON packages (name);
CREATE INDEX packages_source ON packages (source);

-- What one layer, at its place in an image, brought of what is still there: images on one base share those of the base.
CREATE TABLE contents (
  id INTEGER PRIMARY KEY, key BYTEA NOT NULL UNIQUE, position INTEGER NOT NULL, place BYTEA NOT NULL, packages INTEGER NOT NULL
);
CREATE TABLE content_packages (
  content INTEGER NOT NULL, package INTEGER NOT NULL, PRIMARY KEY (content, package)
)/*SQLITE WITHOUT ROWID*/;
CREATE INDEX content_packages_package ON content_packages (package, content);
CREATE TABLE image_contents (
  image INTEGER NOT NULL, content INTEGER NOT NULL, PRIMARY KEY (image, content)
)/*SQLITE WITHOUT ROWID*/;
CREATE INDEX image_contents_content ON image_contents (content, image);

CREATE TABLE vulnerabilities (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  told INTEGER NOT NULL,
  summary TEXT NOT NULL,
  url TEXT NOT NULL,
  kev INTEGER NOT NULL,
  epss DOUBLE PRECISION
);
-- Every name of a vulnerability in lower case, its own included.
CREATE TABLE aliases (
  folded TEXT NOT NULL, vulnerability INTEGER NOT NULL, alias TEXT NOT NULL, PRIMARY KEY (folded, vulnerability)
)/*SQLITE WITHOUT ROWID*/;
CREATE INDEX aliases_vulnerability ON aliases (vulnerability);

-- The runs between which advisories said that a package has a vulnerability. What they say depends on the package alone.
CREATE TABLE findings (
  package INTEGER NOT NULL,
  vulnerability INTEGER NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  fixed_version TEXT,
  status TEXT NOT NULL,
  severity INTEGER NOT NULL,
  score DOUBLE PRECISION,
  PRIMARY KEY (package, vulnerability, since)
)/*SQLITE WITHOUT ROWID*/;
CREATE INDEX findings_vulnerability ON findings (vulnerability, package);
CREATE INDEX findings_since ON findings (since);
CREATE INDEX findings_until ON findings (until);

-- The runs between which verdicts on an image did not count a finding, and who says so.
CREATE TABLE suppressions (
  image INTEGER NOT NULL,
  package INTEGER NOT NULL,
  vulnerability INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  source TEXT NOT NULL,
  expires TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  PRIMARY KEY (image, package, vulnerability, since)
)/*SQLITE WITHOUT ROWID*/;

-- What could not be examined of an image when it was last judged: of each code how often, and the first.
CREATE TABLE image_problems (
  image INTEGER NOT NULL,
  code TEXT NOT NULL,
  number INTEGER NOT NULL,
  coverage INTEGER NOT NULL,
  subject TEXT NOT NULL,
  message TEXT NOT NULL,
  hint TEXT NOT NULL,
  PRIMARY KEY (image, code)
)/*SQLITE WITHOUT ROWID*/;

-- Names that led to no image in a run (platform is empty, and digest unless they have one), and those whose image could
-- not be read.
CREATE TABLE problems (
  run INTEGER NOT NULL,
  name INTEGER NOT NULL,
  digest TEXT NOT NULL,
  platform TEXT NOT NULL,
  code TEXT NOT NULL,
  subject TEXT NOT NULL,
  message TEXT NOT NULL,
  hint TEXT NOT NULL,
  PRIMARY KEY (run, name, digest, platform)
)/*SQLITE WITHOUT ROWID*/;
