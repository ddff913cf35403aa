/** `voms-proxy-info` (of the C and of the Java clients) and `grid-proxy-info`. */
import { flag, idle, refused, valued } from './option.js'
import type { CompatOption, CompatTool } from './translate.js'

const NO_INCLUDES = 'proxies hold no files'

/** Whatever prints or judges; without any of them the proxy is shown. */
const ASKING = [
  ...['subject', 'issuer', 'identity', 'type', 'timeleft', 'strength', 'all', 'text', 'path'],
  ...['chain', 'vo', 'fqan', 'acsubject', 'acissuer', 'actimeleft', 'serial', 'uri', 'keyusage'],
  ...['exists', 'acexists'],
]

const SHOW_ALL = { unless: ASKING, words: ['--all'] }

const subject = 'subject DN of the proxy'
const issuer = 'DN of who signed it'

const common: readonly CompatOption[] = [
  flag('help usage', 'shows this'),
  flag('version', 'shows the version'),
  idle('debug', 'says more'),
  flag('identity', 'identity DN'),
  flag('type', 'kind of proxy'),
  flag('timeleft', 'seconds left'),
  flag('strength', 'size of the key in bits'),
  flag('all', 'everything, for people'),
  flag('text', 'the certificate'),
]

export const VOMS_PROXY_INFO: CompatTool = {
  name: 'voms-proxy-info',
  command: 'info',
  otherwise: SHOW_ALL,
  options: [
    ...common,
    flag('subject', subject),
    flag('issuer', issuer),
    flag('path p', 'path of the file'),
    valued('file', '<file>', 'the proxy'),
    flag('chain', 'every certificate of the chain'),
    flag('keyusage k', 'what the key may be used for'),
    flag('vo', 'VO of the attributes', 'vo-name'),
    flag('fqan', 'attributes, one a line'),
    flag('acsubject', 'DN that the attributes were granted to'),
    flag('acissuer', 'DN of the VOMS server'),
    flag('actimeleft', 'seconds left of the attributes'),
    flag('serial', 'serial number of the attributes'),
    flag('uri', 'address of the VOMS server'),
    flag('exists e', 'fails unless there is a valid proxy'),
    valued('acexists', '<vo>', 'fails unless there are attributes of this VO'),
    valued('valid', '<h:m>', 'with -exists: for so long'),
    valued('hours', '<hours>', 'with -exists: for so long'),
    valued('bits b', '<bits>', 'with -exists: with a key of so many bits'),
    flag('dont-verify-ac', 'takes attributes unverified', 'no-verify'),
    refused('voms-proxy-info', 'conf', 'options are read from the command line alone', '<file>'),
    refused('voms-proxy-info', 'included', NO_INCLUDES),
  ],
}

export const GRID_PROXY_INFO: CompatTool = {
  name: 'grid-proxy-info',
  command: 'info',
  otherwise: SHOW_ALL,
  options: [
    ...common,
    flag('subject s', subject),
    flag('issuer i', issuer),
    flag('path', 'path of the file'),
    valued('file f', '<file>', 'the proxy'),
    flag('exists e', 'fails unless there is a valid proxy'),
    valued('valid v', '<h:m>', 'with -exists: for so long'),
    valued('hours h', '<hours>', 'with -exists: for so long'),
    valued('bits b', '<bits>', 'with -exists: with a key of so many bits'),
    refused('grid-proxy-info', 'rfc2253', 'names are shown in the one-line form alone'),
  ],
}
