/**
 * The effective configuration: one frozen object, made once, passed in. Durations are seconds
 * unless the name says otherwise. `read-config.ts` makes it from file, environment and flags.
 */
import type { JournalLevel } from '../ports/journal.js'
import type { KeyKind } from '../ports/key-generator.js'

export interface Config {
  /** Root of the VO directories; default `/var/lib/vobox` (`VOBOX_PROXY_ROOT`). */
  root: string
  limits: {
    /** `register` refuses a proxy with less left; default 1200. */
    refuseBelowSeconds: number
    /** `register` warns below; default 1800. */
    warnBelowSeconds: number
    /** Shortest time between two attempts for one proxy; default 60. */
    minIntervalSeconds: number
    /** Deepest delegation accepted; default 10. */
    maxDelegationDepth: number
  }
  keys: {
    /** Kind of fresh keys; default `rsa2048`. */
    kind: KeyKind
    /** Keys made in advance while idle; default 32. */
    pool: number
    /** Work of a guess at a pass phrase of our MyProxy server's, in units of 0.07 s; default 5. */
    passPhraseCost: number
  }
  trust: {
    /** Hashed CA directory; default `/etc/grid-security/certificates` (`X509_CERT_DIR`). */
    directory: string
    /** Accept a CA without a signing policy; default false. */
    allowMissingSigningPolicy: boolean
    /** Accept legacy and draft proxies; default false. */
    allowLegacyProxies: boolean
  }
  myproxy: {
    /** Default servers, `host[:port]`; from `MYPROXY_SERVER`, a comma-separated list. */
    servers: readonly string[]
    /** Port where a server names none; default 7512 (`MYPROXY_SERVER_PORT`). */
    port: number
    /** Expected server DN in one-line form instead of the host name check (`MYPROXY_SERVER_DN`). */
    serverDn: string | null
    /** Deadline for each address, TCP and TLS each; default 5. */
    connectSeconds: number
    /** Deadline for each answer; default 30. */
    answerSeconds: number
    /** Highest TLS version as a client; default `TLSv1.2`: 1.3 is slower with the C server. */
    tlsMaxVersion: 'TLSv1.2' | 'TLSv1.3'
    /** Sign the SHA-1 challenge when a server offers no other; default false. */
    allowSha1Challenge: boolean
  }
  voms: {
    /**
     * Whose attribute certificates are believed: `VO/HOST.lsc`, or certificates of VOMS servers;
     * default `/etc/grid-security/vomsdir` (`X509_VOMS_DIR`).
     */
    directory: string
    /**
     * Files, or directories of files, that name the VOMS servers of each VO; empty, the default:
     * `/etc/vomses`, and before it `~/.voms/vomses` where a person makes a login proxy
     * (`VOMS_USERCONF`).
     */
    vomses: readonly string[]
    /** Deadline for each address, TCP and TLS each; default 5. */
    connectSeconds: number
    /** Deadline for each answer; default 30. */
    answerSeconds: number
  }
  renewal: {
    /** Lifetime asked for; default 43200. */
    lifetimeSeconds: number
    /** Default age at which a proxy is refreshed; default 3600; null: never early. */
    refreshSeconds: number | null
    /** Renewals at once; default 16, and per server (with VOMS: per server and VO); default 8. */
    workers: number
    workersPerServer: number
  }
  mail: {
    /** Gets the machine proxy's and the service's mail; default `root`. */
    admin: string
    /** Sender; null: `vobox-proxy@<host name>`. */
    from: string | null
    transport: 'sendmail' | 'smtp' | 'none'
    /** Path of the sendmail program; default `/usr/sbin/sendmail`. */
    sendmail: string
    smtp: { host: string; port: number; secure: boolean }
    /** Deadline for handing over one mail; default 30. */
    deadlineSeconds: number
    /** Reminder of a lasting alert; default 86400. */
    reminderSeconds: number
  }
  agents: {
    /** `agents stop` ends within this; default 30, and no more: the boot waits for it. */
    stopSeconds: number
  }
  hooks: {
    /** Holds `renewed` and `alert`; root's alone; default `/etc/vobox-proxy/hooks`. */
    directory: string
    /** A hook, with all that it has started, is ended after this; default 60. */
    deadlineSeconds: number
  }
  metrics: {
    /**
     * Where Prometheus asks: `socket` (the default) is `metrics.sock` in the VO directory, `none`
     * nowhere, anything else a port of loopback, `127.0.0.1:9780` or `[::1]:9780`.
     */
    listen: string
    /** Where a file for node_exporter is written each minute; null, the default: nowhere. */
    textfileDirectory: string | null
    /** DNs and file names instead of their hashes; default false. */
    showDn: boolean
  }
  jobs: {
    /** Serve workload managers over the job socket; default false. */
    enabled: boolean
    /** Where it listens; null, the default: `run/jobs.sock` in the VO directory. */
    socket: string | null
    /** Who may connect: the VO admin alone (`0600`, the default), or his group too (`0660`). */
    mode: '0600' | '0660'
    /** Listen on `/tmp/dgpr_renew_UID` too, which the C client expects; default false. */
    legacyPath: boolean
    /** Deadline of a whole connection; default 30. */
    deadlineSeconds: number
    /** Lifetime asked for; default 43200. */
    lifetimeSeconds: number
    /** A job proxy is renewed when this much is left at the latest; default 1800. */
    condorLimitSeconds: number
    /** Gets mail about job proxies; null, the default: nobody. */
    mail: string | null
  }
  log: {
    /** Lowest level that the service's log takes; default `info`. */
    level: JournalLevel
    /** Send it to syslog as well, where systemd's journal does not take it; default true. */
    syslog: boolean
  }
  register: {
    /** `--proxy-safe`; default 3600. */
    proxySafeSeconds: number
    /** `--myproxy-safe`; default 864000. */
    myproxySafeSeconds: number
  }
}
