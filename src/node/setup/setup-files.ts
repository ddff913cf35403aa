/**
 * Every file of root's that one VO needs, as text: what is installed with the program, with the names
 * of this VO put in. Pure.
 */

import type { WantedFile } from './root-tree.js'
import type { Account } from './setup-account.js'

/** What is put into the files. */
export interface SetupNames {
  vo: string
  admin: Account
  /** Root of the VO directories, as the service will see it. */
  root: string
  /** 0 … 59. */
  minute: number
  /** Whether the service is to see what lies in `/tmp`, for workload managers; default false. */
  jobs?: boolean
  /** Paths of the programs, as the service will see them. */
  programs: { vobox: string; renewd: string }
}

/** Files of the installation, by their path below it. */
export type Templates = (name: string) => string

export const DEFAULT_ROOT = '/var/lib/vobox'

/** Units for any VO; those that stand in {@link ENABLED} are enabled for each. */
export const TEMPLATE_UNITS = [
  'vobox-agents@.service',
  'vobox-check@.service',
  'vobox-check@.timer',
  'vobox-machine-proxy@.service',
  'vobox-machine-proxy@.timer',
  'vobox-request@.path',
  'vobox-request@.service',
] as const

const UNITS = '/etc/systemd/system'

export const serviceName = (vo: string) => `${vo}-box-proxyrenewal`

export const initScript = (vo: string) => `/etc/init.d/${serviceName(vo)}`

/** Cron ignores file names with dots. */
export const cronFile = (vo: string) => `/etc/cron.d/${serviceName(vo).replaceAll('.', '_')}`

export const logrotateFile = (vo: string) =>
  `/etc/logrotate.d/${serviceName(vo).replaceAll('.', '_')}`

export const settingsFile = (vo: string) => `/etc/vobox-proxy/vo/${vo}.sh`

export const temporaryFile = (vo: string) => `/etc/tmpfiles.d/vobox-proxy-${vo}.conf`

export const serviceUnit = (vo: string) => `${UNITS}/${serviceName(vo)}.service`

/** Units of a VO that systemd is to start at boot. */
export const enabledUnits = (vo: string) => [
  `${serviceName(vo)}.service`,
  `vobox-machine-proxy@${vo}.timer`,
  `vobox-check@${vo}.timer`,
  `vobox-request@${vo}.path`,
]

/** Files that are there whoever starts the service. */
export function commonFiles(names: SetupNames, template: Templates): WantedFile[] {
  const { vo } = names
  return [
    { path: settingsFile(vo), content: settings(names), mode: 0o644 },
    { path: initScript(vo), content: script(vo, template), mode: 0o755 },
    {
      path: logrotateFile(vo),
      content: fill(template('logrotate.d/vo-box-proxyrenewal'), names),
      mode: 0o644,
    },
    {
      path: '/etc/vobox-proxy/config.toml',
      content: template('docs/config.toml'),
      mode: 0o644,
      keep: true,
    },
  ]
}

export function cronFiles(names: SetupNames, template: Templates): WantedFile[] {
  const content = fill(template('cron.d/vo-box-proxyrenewal'), names)
  return [{ path: cronFile(names.vo), content, mode: 0o644 }]
}

/** @param installed whether the package brought a unit already. */
export function systemdFiles(
  names: SetupNames,
  template: Templates,
  installed: (unit: string) => boolean,
): WantedFile[] {
  const { vo, admin } = names
  const missing = TEMPLATE_UNITS.filter((unit) => !installed(unit))
  const request = `f /run/vobox-proxy/${vo}.request 0644 ${admin.name} ${admin.group} -`
  return [
    ...missing.map((unit) => ({
      path: `${UNITS}/${unit}`,
      content: template(`systemd/${unit}`).replaceAll('/usr/bin/vobox-proxy', names.programs.vobox),
      mode: 0o644,
    })),
    { path: serviceUnit(vo), content: plainUnit(names, template), mode: 0o644 },
    ...dropIns(names),
    ...(names.jobs ? [{ path: jobsDropIn(vo), content: JOBS_DROP_IN, mode: 0o644 }] : []),
    {
      path: temporaryFile(vo),
      content: `d /run/vobox-proxy 0755 root root -\n${request}\n`,
      mode: 0o644,
    },
  ]
}

/** Paths of all that {@link systemdFiles} can write for this VO alone. */
export function systemdPaths(vo: string): string[] {
  return [serviceUnit(vo), ...dropInPaths(vo), jobsDropIn(vo), temporaryFile(vo)]
}

/** Stays where it is when a later `setup` says nothing of jobs. */
const jobsDropIn = (vo: string) => `${serviceUnit(vo)}.d/vobox-jobs.conf`

/** `ReadWritePaths`: for `jobs.legacy_path`, since `ProtectSystem=strict` closes the real `/tmp` too. */
const JOBS_DROP_IN = `# Written by vobox-proxy setup --jobs. Workload managers hand over proxies that lie in /tmp, and clients
# of the C library look for the socket there: the service sees the real one. All other protection stays.
[Service]
PrivateTmp=no
ReadWritePaths=/tmp
`

const WRITING = ['vobox-machine-proxy', 'vobox-check'] as const

const dropInPath = (unit: string, vo: string) => `${UNITS}/${unit}@${vo}.service.d/vobox-proxy.conf`

const dropInPaths = (vo: string) => WRITING.map((unit) => dropInPath(unit, vo))

function dropIns({ vo, root }: SetupNames): WantedFile[] {
  if (root === DEFAULT_ROOT) return []
  const content = `[Service]\nReadWritePaths=${root}/${vo}\n`
  return dropInPaths(vo).map((path) => ({ path, content, mode: 0o644 }))
}

/** The template, as a unit of the VO's own; systemd could not give that name to an instance. */
function plainUnit({ vo, admin, root }: SetupNames, template: Templates): string {
  const text = template('systemd/vobox-renewd@.service')
    .slice(template('systemd/vobox-renewd@.service').indexOf('[Unit]'))
    .replace(/^Conflicts=.*$/m, `Conflicts=vobox-renewd@${vo}.service`)
    .replaceAll('%i', vo)
    .replace(`ReadWritePaths=${DEFAULT_ROOT}/`, `ReadWritePaths=${root}/`)
    .replace('[Service]\n', `[Service]\nUser=${admin.name}\nGroup=${admin.group}\n`)
  return `# Written by vobox-proxy setup. What is to be otherwise belongs in a drop-in: systemctl edit ${serviceName(vo)}\n${text}`
}

/** Two VOs must not provide the same thing, or none of them is started. */
function script(vo: string, template: Templates): string {
  return template('init.d/vo-box-proxyrenewal').replace(
    /^(# Provides: +).*$/m,
    `$1${serviceName(vo)}`,
  )
}

function settings({ admin, root, programs }: SetupNames): string {
  return [
    '# Written by vobox-proxy setup; read by the init script.',
    `VO_ADMIN=${quoted(admin.name)}`,
    `VOBOX_PROXY=${quoted(programs.vobox)}`,
    `VOBOX_RENEWD=${quoted(programs.renewd)}`,
    `VOBOX_PROXY_ROOT=${quoted(root)}`,
    '',
  ].join('\n')
}

/** Paths were checked: there is no quotation mark in them. */
const quoted = (text: string) => `'${text}'`

function fill(text: string, { vo, admin, root, minute, programs }: SetupNames): string {
  const values: Readonly<Record<string, string>> = {
    VO: vo,
    FILE: serviceName(vo).replaceAll('.', '_'),
    ADMIN: admin.name,
    GROUP: admin.group,
    ROOT: root,
    MINUTE: String(minute),
    PROGRAM: programs.vobox,
  }
  return text.replace(/@([A-Z]+)@/g, (found, name: string) => values[name] ?? found)
}
