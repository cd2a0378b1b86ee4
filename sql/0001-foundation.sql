-- 0001: accounts, rights, repositories, blobs, manifests, tags, uploads, tokens, keys, the audit log.
--
-- Rules (HACKING.md, "A migration"): a primary key on every table; names, tags and digests are VARBINARY (byte order,
-- no padding, no case folding); a digest is one algorithm byte (1 sha256, 2 sha512) and the raw bytes; times are
-- milliseconds since the epoch, UTC, in columns *_ms; common SQL of MariaDB 10.11 and MySQL 8 only; every statement
-- can be run again after an interruption.

-- People, organizations and robots share one table, because all three are namespaces or members by name.
CREATE TABLE IF NOT EXISTS account (
    id                     BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    uuid                   VARBINARY(36)   NOT NULL,
    kind                   TINYINT UNSIGNED NOT NULL,          -- 1 user, 2 organization, 3 robot
    name                   VARBINARY(255)  NOT NULL,           -- a robot's is namespace+short
    email                  VARBINARY(255)  NULL,               -- unique among users
    password_hash          VARBINARY(255)  NULL,               -- crypt(5); users only
    enabled                TINYINT UNSIGNED NOT NULL DEFAULT 1,
    verified               TINYINT UNSIGNED NOT NULL DEFAULT 0,
    namespace_id           BIGINT UNSIGNED NULL,               -- a robot's owner
    removed_tag_expiration_s INT UNSIGNED  NOT NULL DEFAULT 1209600,
    invalid_login_attempts INT UNSIGNED    NOT NULL DEFAULT 0,
    last_invalid_login_ms  BIGINT          NOT NULL DEFAULT 0,
    created_ms             BIGINT          NOT NULL,
    last_accessed_ms       BIGINT          NULL,
    PRIMARY KEY (id),
    UNIQUE KEY account_name (name),
    UNIQUE KEY account_uuid (uuid),
    UNIQUE KEY account_email (email),
    KEY account_namespace (namespace_id, name),
    CONSTRAINT account_namespace_fk FOREIGN KEY (namespace_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The secret of a robot: compared by its hash, kept encrypted because Quay's API shows it again.
CREATE TABLE IF NOT EXISTS robot_token (
    account_id   BIGINT UNSIGNED NOT NULL,
    token_hash   VARBINARY(32)   NOT NULL,
    token_enc    VARBINARY(255)  NOT NULL,
    description  VARCHAR(255)    NOT NULL DEFAULT '',
    created_ms   BIGINT          NOT NULL,
    PRIMARY KEY (account_id),
    CONSTRAINT robot_token_account_fk FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- App-specific passwords ($app).
CREATE TABLE IF NOT EXISTS app_token (
    id               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    uuid             VARBINARY(36)   NOT NULL,
    account_id       BIGINT UNSIGNED NOT NULL,
    title            VARCHAR(255)    NOT NULL,
    token_hash       VARBINARY(32)   NOT NULL,
    token_enc        VARBINARY(255)  NOT NULL,
    created_ms       BIGINT          NOT NULL,
    expires_ms       BIGINT          NULL,
    last_accessed_ms BIGINT          NULL,
    PRIMARY KEY (id),
    UNIQUE KEY app_token_uuid (uuid),
    UNIQUE KEY app_token_hash (token_hash),
    KEY app_token_account (account_id, expires_ms),
    CONSTRAINT app_token_account_fk FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- OAuth access tokens ($oauthtoken, and Bearer under /api/v1).
CREATE TABLE IF NOT EXISTS oauth_token (
    id               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    uuid             VARBINARY(36)   NOT NULL,
    account_id       BIGINT UNSIGNED NOT NULL,
    display_name     VARCHAR(255)    NOT NULL DEFAULT '',
    scope            VARBINARY(255)  NOT NULL,                 -- space-separated, Quay's names
    token_hash       VARBINARY(32)   NOT NULL,
    created_ms       BIGINT          NOT NULL,
    expires_ms       BIGINT          NOT NULL,
    last_accessed_ms BIGINT          NULL,
    PRIMARY KEY (id),
    UNIQUE KEY oauth_token_uuid (uuid),
    UNIQUE KEY oauth_token_hash (token_hash),
    KEY oauth_token_account (account_id),
    CONSTRAINT oauth_token_account_fk FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS team (
    id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    organization_id BIGINT UNSIGNED NOT NULL,
    name            VARBINARY(255)  NOT NULL,
    role            TINYINT UNSIGNED NOT NULL,                 -- 1 member, 2 creator, 3 admin
    description     TEXT            NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY team_name (organization_id, name),
    CONSTRAINT team_organization_fk FOREIGN KEY (organization_id) REFERENCES account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS team_member (
    team_id    BIGINT UNSIGNED NOT NULL,
    account_id BIGINT UNSIGNED NOT NULL,                       -- a user or a robot
    PRIMARY KEY (team_id, account_id),
    KEY team_member_account (account_id),
    CONSTRAINT team_member_team_fk FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE,
    CONSTRAINT team_member_account_fk FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS repository (
    id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    namespace_id BIGINT UNSIGNED NOT NULL,
    name         VARBINARY(255)  NOT NULL,                     -- without the namespace
    is_public    TINYINT UNSIGNED NOT NULL DEFAULT 0,
    state        TINYINT UNSIGNED NOT NULL DEFAULT 0,          -- Quay's: 0 normal, 1 read-only, 2 mirror, 3 marked for deletion
    description  TEXT            NOT NULL,
    created_ms   BIGINT          NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY repository_name (namespace_id, name),
    KEY repository_public (is_public, id),
    CONSTRAINT repository_namespace_fk FOREIGN KEY (namespace_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Direct grants: exactly one of account_id (a user or a robot) and team_id.
CREATE TABLE IF NOT EXISTS repository_permission (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    repository_id BIGINT UNSIGNED NOT NULL,
    account_id    BIGINT UNSIGNED NULL,
    team_id       BIGINT UNSIGNED NULL,
    role          TINYINT UNSIGNED NOT NULL,                   -- 1 read, 2 write, 3 admin
    PRIMARY KEY (id),
    UNIQUE KEY repository_permission_account (account_id, repository_id),
    UNIQUE KEY repository_permission_team (team_id, repository_id),
    KEY repository_permission_repository (repository_id),
    CONSTRAINT repository_permission_repository_fk FOREIGN KEY (repository_id) REFERENCES repository (id) ON DELETE CASCADE,
    CONSTRAINT repository_permission_account_fk FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT repository_permission_team_fk FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Default permissions of an organization's new repositories.
CREATE TABLE IF NOT EXISTS permission_prototype (
    id                    BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    uuid                  VARBINARY(36)   NOT NULL,
    organization_id       BIGINT UNSIGNED NOT NULL,
    activating_account_id BIGINT UNSIGNED NULL,                -- NULL: whoever creates the repository
    delegate_account_id   BIGINT UNSIGNED NULL,
    delegate_team_id      BIGINT UNSIGNED NULL,
    role                  TINYINT UNSIGNED NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY permission_prototype_uuid (uuid),
    KEY permission_prototype_organization (organization_id, activating_account_id),
    CONSTRAINT permission_prototype_organization_fk FOREIGN KEY (organization_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT permission_prototype_activating_fk FOREIGN KEY (activating_account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT permission_prototype_delegate_fk FOREIGN KEY (delegate_account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT permission_prototype_team_fk FOREIGN KEY (delegate_team_id) REFERENCES team (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Blobs are global and content-addressed.
CREATE TABLE IF NOT EXISTS blob_content (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    digest     VARBINARY(65)   NOT NULL,
    size       BIGINT UNSIGNED NOT NULL,
    created_ms BIGINT          NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY blob_content_digest (digest)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS storage_location (
    id   INT UNSIGNED   NOT NULL AUTO_INCREMENT,
    name VARBINARY(255) NOT NULL,                              -- a key of DISTRIBUTED_STORAGE_CONFIG
    PRIMARY KEY (id),
    UNIQUE KEY storage_location_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Where the bytes of a blob lie.
CREATE TABLE IF NOT EXISTS blob_placement (
    blob_id     BIGINT UNSIGNED NOT NULL,
    location_id INT UNSIGNED    NOT NULL,
    PRIMARY KEY (blob_id, location_id),
    CONSTRAINT blob_placement_blob_fk FOREIGN KEY (blob_id) REFERENCES blob_content (id),
    CONSTRAINT blob_placement_location_fk FOREIGN KEY (location_id) REFERENCES storage_location (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A repository may read a blob only through its row here. leased_ms: until then the row lives without a manifest.
CREATE TABLE IF NOT EXISTS repository_blob (
    repository_id BIGINT UNSIGNED NOT NULL,
    blob_id       BIGINT UNSIGNED NOT NULL,
    leased_ms     BIGINT          NOT NULL,
    PRIMARY KEY (repository_id, blob_id),
    KEY repository_blob_blob (blob_id),
    KEY repository_blob_leased (leased_ms),
    CONSTRAINT repository_blob_repository_fk FOREIGN KEY (repository_id) REFERENCES repository (id),
    CONSTRAINT repository_blob_blob_fk FOREIGN KEY (blob_id) REFERENCES blob_content (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Uploads in progress. hash_state: the running hash over the first byte_count bytes.
CREATE TABLE IF NOT EXISTS upload (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    uuid          VARBINARY(36)   NOT NULL,
    repository_id BIGINT UNSIGNED NOT NULL,
    account_id    BIGINT UNSIGNED NULL,                        -- who started it
    location_id   INT UNSIGNED    NOT NULL,
    algorithm     TINYINT UNSIGNED NOT NULL,                   -- 1 sha256, 2 sha512
    byte_count    BIGINT UNSIGNED NOT NULL DEFAULT 0,
    hash_state    VARBINARY(255)  NOT NULL,
    created_ms    BIGINT          NOT NULL,
    updated_ms    BIGINT          NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY upload_uuid (uuid),
    KEY upload_updated (updated_ms),
    KEY upload_repository (repository_id),
    CONSTRAINT upload_repository_fk FOREIGN KEY (repository_id) REFERENCES repository (id) ON DELETE CASCADE,
    CONSTRAINT upload_account_fk FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT upload_location_fk FOREIGN KEY (location_id) REFERENCES storage_location (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The bytes received, never a re-serialisation of them. A manifest deleted by its digest is out of view at once, but its
-- row stays, because the history of its tags names it: deleted_ms says since when; pushing it again revives it.
CREATE TABLE IF NOT EXISTS manifest (
    id                BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    repository_id     BIGINT UNSIGNED NOT NULL,
    digest            VARBINARY(65)   NOT NULL,
    media_type        VARBINARY(255)  NOT NULL,
    artifact_type     VARBINARY(255)  NULL,                    -- as a referrer shows it: artifactType, else the config's media type
    config_media_type VARBINARY(255)  NULL,
    subject_digest    VARBINARY(65)   NULL,
    annotations       MEDIUMBLOB      NULL,                    -- JSON object, when there is a subject
    layers_size       BIGINT UNSIGNED NOT NULL DEFAULT 0,      -- sum over the layers; 0 for an index
    size              INT UNSIGNED    NOT NULL,                -- of bytes: asked far more often than they
    bytes             MEDIUMBLOB      NOT NULL,
    created_ms        BIGINT          NOT NULL,
    pushed_ms         BIGINT          NOT NULL,                -- last time; without a tag it lives for a while from here
    deleted_ms        BIGINT          NULL,
    PRIMARY KEY (id),
    UNIQUE KEY manifest_digest (repository_id, digest),
    KEY manifest_subject (repository_id, subject_digest, id),
    CONSTRAINT manifest_repository_fk FOREIGN KEY (repository_id) REFERENCES repository (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS manifest_blob (
    manifest_id BIGINT UNSIGNED NOT NULL,
    blob_id     BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (manifest_id, blob_id),
    KEY manifest_blob_blob (blob_id),
    CONSTRAINT manifest_blob_manifest_fk FOREIGN KEY (manifest_id) REFERENCES manifest (id) ON DELETE CASCADE,
    CONSTRAINT manifest_blob_blob_fk FOREIGN KEY (blob_id) REFERENCES blob_content (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- By digest and not by id: a sparse index names children that are not here (yet).
CREATE TABLE IF NOT EXISTS manifest_child (
    manifest_id   BIGINT UNSIGNED NOT NULL,
    child_digest  VARBINARY(65)   NOT NULL,
    repository_id BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (manifest_id, child_digest),
    KEY manifest_child_parent (repository_id, child_digest),
    CONSTRAINT manifest_child_manifest_fk FOREIGN KEY (manifest_id) REFERENCES manifest (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Tags are history: a move or a delete closes a row, a move opens another. is_current is 1 or NULL, so that the
-- UNIQUE key admits one living row a tag, and lists living tags in order whatever the history. A row is alive when
-- is_current = 1 and expires_ms is NULL or ahead; a living row never names a deleted manifest.
CREATE TABLE IF NOT EXISTS tag (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    repository_id BIGINT UNSIGNED NOT NULL,
    name          VARBINARY(128)  NOT NULL,
    manifest_id   BIGINT UNSIGNED NOT NULL,
    is_current    TINYINT UNSIGNED NULL,
    start_ms      BIGINT          NOT NULL,
    end_ms        BIGINT          NULL,
    expires_ms    BIGINT          NULL,
    PRIMARY KEY (id),
    UNIQUE KEY tag_current (repository_id, is_current, name),
    KEY tag_history (repository_id, name, start_ms),
    KEY tag_manifest (manifest_id, is_current),
    KEY tag_end (end_ms),
    KEY tag_expires (is_current, expires_ms),
    CONSTRAINT tag_repository_fk FOREIGN KEY (repository_id) REFERENCES repository (id),
    CONSTRAINT tag_manifest_fk FOREIGN KEY (manifest_id) REFERENCES manifest (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Keys that sign registry tokens. The private half is encrypted with DATABASE_SECRET_KEY. A key signs until
-- retires_ms and verifies until expires_ms.
CREATE TABLE IF NOT EXISTS service_key (
    kid         VARBINARY(64)  NOT NULL,
    public_jwk  VARBINARY(1024) NOT NULL,
    private_enc VARBINARY(1024) NOT NULL,
    created_ms  BIGINT         NOT NULL,
    retires_ms  BIGINT         NOT NULL,
    expires_ms  BIGINT         NOT NULL,
    PRIMARY KEY (kid),
    KEY service_key_expires (expires_ms)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Work that one process of the fleet does at a time: taken by compare-and-swap on version.
CREATE TABLE IF NOT EXISTS lease (
    name     VARBINARY(64)   NOT NULL,
    owner    VARBINARY(128)  NOT NULL,
    until_ms BIGINT          NOT NULL,
    next_ms  BIGINT          NOT NULL DEFAULT 0,               -- when the work is due again
    version  BIGINT UNSIGNED NOT NULL DEFAULT 0,
    PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The audit log. Plain ids, no foreign keys: a row outlives what it tells of. One partition a month, made ahead by
-- the worker; p_rest catches what comes before that.
CREATE TABLE IF NOT EXISTS log_entry (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    at_ms         BIGINT          NOT NULL,
    kind          SMALLINT UNSIGNED NOT NULL,                  -- audit/log_kinds.def
    account_id    BIGINT UNSIGNED NULL,                        -- the namespace concerned
    performer_id  BIGINT UNSIGNED NULL,
    repository_id BIGINT UNSIGNED NULL,
    ip            VARBINARY(45)   NULL,
    metadata      MEDIUMBLOB      NOT NULL,                    -- JSON object
    PRIMARY KEY (id, at_ms),
    KEY log_entry_at (at_ms),
    KEY log_entry_account (account_id, at_ms),
    KEY log_entry_performer (performer_id, at_ms),
    KEY log_entry_repository (repository_id, at_ms, kind)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
PARTITION BY RANGE (at_ms) (PARTITION p_rest VALUES LESS THAN MAXVALUE);
