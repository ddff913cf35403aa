/**
 * The MyProxy clients of Globus, by the tables of their `--help` (package `myproxy` 6.2). Their options
 * are ours under the same names, with dashes for underscores; each tool gives its letters its own
 * meaning.
 */
import { flag, idle, valued } from './option.js'
import type { CompatOption, CompatTool } from './translate.js'

const common: readonly CompatOption[] = [
  flag('help h', 'shows this'),
  flag('usage u', 'shows this', 'help'),
  flag('verbose v', 'says what becomes of each server'),
  flag('version V', 'shows the version'),
  valued('pshost s', '<host[:port],...>', 'MyProxy servers [$MYPROXY_SERVER]'),
  valued('psport p', '<port>', 'where a server names none [7512]'),
]

const named: readonly CompatOption[] = [
  valued('username l', '<name>', 'name of the account [$LOGNAME]'),
  flag('dn_as_username d', 'the DN is the name'),
  valued('credname k', '<name>', 'name of the credential'),
]

/** Of `init` and `store`, which say who may have what is stored. */
const access: readonly CompatOption[] = [
  flag('allow_anonymous_retrievers a', 'who has the pass phrase needs no credential'),
  flag('allow_anonymous_renewers A', 'any client may renew'),
  flag('regex_dn_match x', 'patterns behind it are of whole DNs'),
  flag('match_cn_only X', 'patterns behind it are of common names'),
  valued('retrievable_by r', '<pattern>', 'who may retrieve'),
  valued('renewable_by R', '<pattern>', 'who may renew'),
  valued('retrievable_by_cert Z', '<pattern>', 'who may retrieve without a pass phrase'),
  valued('creddesc K', '<text>', 'description of the credential'),
]

const lifetime = valued('proxy_lifetime t', '<hours>', 'lifetime of what is retrieved [12]')
const stdin = flag('stdin_pass S', 'reads pass phrases from standard input')
const noPassPhrase = flag('no_passphrase n', 'asks for no pass phrase')
const trustRoots = flag('trustroots T', 'gets the CA files too')
const bootstrap = flag('bootstrap b', 'believes a server whose CA is not known')
const quiet = flag('quiet q', 'prints nothing but errors')
const voms = valued('voms m', '<vo[:fqan]>', 'asks for VOMS attributes')
const authorization = valued('authorization a', '<file>', 'the credential to renew')

const logon: readonly CompatOption[] = [
  ...common,
  ...named,
  lifetime,
  valued('out o', '<file>', 'where to put the proxy; - is standard output'),
  authorization,
  stdin,
  trustRoots,
  bootstrap,
  noPassPhrase,
  flag('no_credentials N', 'authenticates, and gets nothing'),
  quiet,
  voms,
  valued('certreq Q', '<file>', 'has this request certified'),
]

/** Scripts read what the C tools print, and nothing else. */
const tool = (
  name: string,
  command: string,
  options: readonly CompatOption[],
  words: readonly string[] = ['--terse'],
): CompatTool => ({
  name,
  command: `myproxy ${command}`,
  syntax: 'getopt_long',
  options,
  otherwise: { unless: [], words },
})

export const MYPROXY_TOOLS: readonly CompatTool[] = [
  tool('myproxy-init', 'init', [
    ...common,
    ...named,
    ...access,
    lifetime,
    valued('cred_lifetime c', '<hours>', 'lifetime of what is stored [168]'),
    valued('certfile C', '<file>', 'certificate'),
    valued('keyfile y', '<file>', 'its key'),
    stdin,
    noPassPhrase,
    flag('local_proxy L', 'makes a login proxy too'),
    voms,
  ]),
  tool('myproxy-logon', 'logon', logon),
  tool('myproxy-get-delegation', 'logon', logon),
  tool('myproxy-info', 'info', [...common, ...named]),
  tool('myproxy-destroy', 'destroy', [...common, ...named]),
  tool('myproxy-change-pass-phrase', 'change-pass-phrase', [...common, ...named, stdin]),
  {
    ...tool('myproxy-store', 'store', [
      ...common,
      ...named,
      ...access,
      lifetime,
      valued('certfile c', '<file>', 'certificate'),
      valued('keyfile y', '<file>', 'its key'),
      valued('retrieve_key E', '<pattern>', 'who may retrieve the key'),
    ]),
    // It asks for no pass phrase, and has no option to give it one.
    otherwise: { unless: [], words: ['--terse', '--unchecked'] },
  },
  tool(
    'myproxy-retrieve',
    'retrieve',
    [
      ...common,
      ...named,
      idle('t', 'lifetime: certificate and key come as they are', '<hours>'),
      authorization,
      valued('certfile c', '<file>', 'where to put the certificate'),
      valued('keyfile y', '<file>', 'where to put the key'),
      stdin,
      trustRoots,
      noPassPhrase,
    ],
    // The C tool takes the pass phrase off, and its callers use the key without.
    ['--terse', '--plain-key'],
  ),
  tool('myproxy-get-trustroots', 'get-trustroots', [...common, quiet, bootstrap]),
  {
    // Perl's Getopt::Long, with which long names stand behind one dash too.
    name: 'myproxy-replicate',
    command: 'myproxy-server replicate',
    options: [
      flag('help h', 'shows this'),
      flag('usage u', 'shows this', 'help'),
      flag('verbose v', 'says what is done'),
      flag('debug d', 'says what is done', 'verbose'),
      valued('storage r', '<dir>', 'storage directory of the server [/var/lib/myproxy]'),
      valued('config c', '<file>', 'its configuration [/etc/myproxy-server.config]'),
      flag('syslog', 'writes to syslog, and nowhere else'),
    ],
  },
]
