/** `voms-proxy-init` (of the C and of the Java clients) and `grid-proxy-init`. */
import { flag, idle, refused, valued } from './option.js'
import { type CompatOption, type CompatTool, usage } from './translate.js'

const LEGACY = 'proxies of this kind are refused by services; RFC 3820 ones are made'

/** Smallest RSA key that TLS peers take today, in bits. */
const LEAST_BITS = 2048

/** Scripts ask for the sizes of 2005; 0 is the certificate's own. */
function bits(tool: string, names: string): CompatOption {
  return {
    names: names.split(' '),
    value: '<bits>',
    help: `size of the key {2048|3072|4096}; less becomes ${LEAST_BITS}`,
    words: (value) => {
      if (!/^\d{1,5}$/.test(value)) {
        throw usage({ name: tool }, `-bits: '${value.slice(0, 20)}' is no size of a key`)
      }
      return Number(value) < LEAST_BITS ? [] : [`--bits=${value}`]
    },
  }
}

const common = (tool: string): CompatOption[] => [
  flag('help usage', 'shows this'),
  flag('version', 'shows the version'),
  flag('debug', 'says which files are used'),
  flag('quiet q', 'prints nothing but warnings and errors'),
  flag('verify', 'validates the proxy with the CA directory'),
  flag('pwstdin', 'reads the pass phrase from standard input'),
  flag('limited', 'makes a limited proxy'),
  valued('valid', '<h:m>', 'lifetime in hours and minutes [12:00]'),
  valued('hours', '<hours>', 'lifetime of the proxy alone, in hours'),
  valued('cert', '<file>', 'certificate, in PEM or PKCS#12'),
  valued('certdir', '<directory>', 'CA directory'),
  valued('out', '<file>', 'where to put the proxy'),
  valued('path-length path_length', '<n>', 'how many proxies may be delegated below'),
  refused(tool, 'policy', 'proxies with policies of their own are not made', '<file>'),
  refused(tool, 'pl policy-language', 'proxies with policies of their own are not made', '<oid>'),
]

export const VOMS_PROXY_INIT: CompatTool = {
  name: 'voms-proxy-init',
  command: 'proxy-init',
  options: [
    ...common('voms-proxy-init'),
    valued('key k', '<file>', 'key of the certificate'),
    bits('voms-proxy-init', 'bits b'),
    flag('rfc r', 'makes an RFC 3820 proxy, as is done in any case'),
    proxyVersion('voms-proxy-init'),
    refused('voms-proxy-init', 'old', LEGACY),
    flag('noregen n', 'signs with the proxy that is there'),
    { ...valued('voms', '<vo[:fqan]>', 'asks for VOMS attributes'), words: vomsWords },
    valued('order', '<fqan>', 'puts this FQAN before others'),
    valued('target', '<host>', 'attributes for this host alone'),
    valued('vomslife', '<h:m>', 'lifetime of the attributes [that of the proxy]'),
    valued('vomses confile userconf', '<path>', 'vomses file or directory'),
    valued('vomsdir', '<directory>', 'whose attributes are believed'),
    valued('timeout', '<seconds>', 'deadline for each connection'),
    flag('dont-verify-ac dont_verify_ac', 'takes attributes unverified', 'no-verify'),
    flag('ignorewarn', 'shows no warnings'),
    flag('failonwarn f', 'makes no proxy where there is a warning'),
    idle('enable_legacy_protocol', 'the XML form is used where there is no other'),
    idle('skip_hostname_checks', 'the DN of the vomses line is what counts'),
    idle('skip_chain_integrity_checks', 'chains are well-formed'),
    idle('globus', 'the version of Globus', '<version>'),
    refused('voms-proxy-init', 'conf', 'options are read from the command line alone', '<file>'),
    refused('voms-proxy-init', 'include', 'nothing is put into a proxy but attributes', '<file>'),
    refused('voms-proxy-init', 'includeac', 'attributes come from servers alone', '<file>'),
    refused('voms-proxy-init', 'separate', 'attributes are kept in the proxy alone', '<file>'),
    refused('voms-proxy-init', 'list', 'attributes are not listed, but asked for with -voms'),
  ],
}

export const GRID_PROXY_INIT: CompatTool = {
  name: 'grid-proxy-init',
  command: 'proxy-init',
  options: [
    ...common('grid-proxy-init'),
    valued('key', '<file>', 'key of the certificate'),
    bits('grid-proxy-init', 'bits'),
    flag('independent', 'makes an independent proxy'),
    flag('rfc', 'makes an RFC 3820 proxy, as is done in any case'),
    refused('grid-proxy-init', 'draft', LEGACY),
    refused('grid-proxy-init', 'old', LEGACY),
  ],
}

function proxyVersion(tool: string): CompatOption {
  return {
    names: ['proxyver'],
    value: '<2|3|4>',
    help: 'kind of proxy: 4, RFC 3820, is the only one made here',
    words: (value) => {
      if (value === '4') return ['--rfc']
      throw usage({ name: tool }, `-proxyver ${value.slice(0, 20)}: ${LEGACY}`)
    },
  }
}

/** `alice:/Role=x` is a role in the whole VO, and `alice:all` everything, which is the default. */
function vomsWords(value: string): string[] {
  const [, vo, attribute] = /^([^:]*):(.*)$/s.exec(value) ?? []
  if (vo === undefined) return [`--voms=${value}`]
  if (attribute === 'all' || attribute === '') return [`--voms=${vo}`]
  const shortened = attribute?.startsWith('/Role=') ? `/${vo}${attribute}` : attribute
  return [`--voms=${vo}:${shortened}`]
}
