/**
 * Every setting: its kind, default and environment variable. The name in the file is the one here
 * in snake case (`limits.refuse_below_seconds`); what each means is said in `config.ts`.
 */
import type { Config } from './config.js'
import {
  count,
  duration,
  durationOrNever,
  flag,
  from,
  list,
  listenOn,
  oneOf,
  optionalPath,
  optionalText,
  path,
  paths,
  type Setting,
  text,
} from './setting.js'

type Leaf = string | number | boolean | null | readonly string[]

/** The shape of the configuration with a setting in place of each value: none can be forgotten. */
export type SettingsOf<T> = {
  [K in keyof T]: T[K] extends Leaf ? Setting<T[K]> : SettingsOf<T[K]>
}

const port = (defaultValue: number) => count(defaultValue, 1, 65_535)

export const SETTINGS: SettingsOf<Config> = {
  root: from('VOBOX_PROXY_ROOT', path('/var/lib/vobox')),
  limits: {
    refuseBelowSeconds: duration(1200),
    warnBelowSeconds: duration(1800),
    minIntervalSeconds: duration(60, 1),
    maxDelegationDepth: count(10, 1, 100),
  },
  keys: {
    kind: oneOf('rsa2048', 'rsa3072', 'rsa4096', 'p256'),
    pool: count(32, 0, 1000),
    passPhraseCost: count(5, 1, 8),
  },
  trust: {
    directory: from('X509_CERT_DIR', path('/etc/grid-security/certificates')),
    allowMissingSigningPolicy: flag(false),
    allowLegacyProxies: flag(false),
  },
  myproxy: {
    servers: from('MYPROXY_SERVER', list()),
    port: from('MYPROXY_SERVER_PORT', port(7512)),
    serverDn: from('MYPROXY_SERVER_DN', optionalText()),
    connectSeconds: duration(5, 1),
    answerSeconds: duration(30, 1),
    tlsMaxVersion: oneOf('TLSv1.2', 'TLSv1.3'),
    allowSha1Challenge: flag(false),
  },
  voms: {
    directory: from('X509_VOMS_DIR', path('/etc/grid-security/vomsdir')),
    vomses: from('VOMS_USERCONF', paths()),
    connectSeconds: duration(5, 1),
    answerSeconds: duration(30, 1),
  },
  renewal: {
    lifetimeSeconds: duration(43_200, 1),
    refreshSeconds: durationOrNever(3600, 1),
    workers: count(16, 1, 1000),
    workersPerServer: count(8, 1, 1000),
  },
  mail: {
    admin: text('root'),
    from: optionalText(),
    transport: oneOf<Config['mail']['transport']>('sendmail', 'smtp', 'none'),
    sendmail: path('/usr/sbin/sendmail'),
    smtp: { host: text('localhost'), port: port(25), secure: flag(false) },
    deadlineSeconds: duration(30, 1),
    reminderSeconds: duration(86_400, 1),
  },
  agents: {
    stopSeconds: duration(30, 1, 30),
  },
  hooks: {
    directory: path('/etc/vobox-proxy/hooks'),
    deadlineSeconds: duration(60, 1),
  },
  metrics: {
    listen: listenOn('socket'),
    textfileDirectory: optionalPath(),
    showDn: flag(false),
  },
  jobs: {
    enabled: flag(false),
    socket: optionalPath(),
    mode: oneOf<Config['jobs']['mode']>('0600', '0660'),
    legacyPath: flag(false),
    deadlineSeconds: duration(30, 1),
    lifetimeSeconds: duration(43_200, 1),
    condorLimitSeconds: duration(1800),
    mail: optionalText(),
  },
  log: {
    level: oneOf<Config['log']['level']>('info', 'debug', 'warn', 'error'),
    syslog: flag(true),
  },
  register: {
    proxySafeSeconds: duration(3600),
    myproxySafeSeconds: duration(864_000),
  },
}
