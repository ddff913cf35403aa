/** `glite-proxy-renew`, the client of the gLite proxy renewal daemon. */
import { flag, idle, valued } from './option.js'
import type { CompatTool } from './translate.js'

export const GLITE_PROXY_RENEW: CompatTool = {
  name: 'glite-proxy-renew',
  command: 'job register',
  syntax: 'getopt_long',
  actions: {
    start: { command: 'job register', takes: ['server', 'file', 'jobid'] },
    stop: { command: 'job unregister', takes: ['file', 'jobid'] },
    get: { command: 'job get', takes: ['jobid'] },
  },
  usageOnStdout: true,
  options: [
    flag('help h', 'shows this'),
    flag('version v', 'shows the version'),
    valued('server s', '<host[:port]>', 'MyProxy server, for start'),
    valued('file f', '<file>', 'the proxy, for start; what start printed, for stop'),
    valued('jobid j', '<id>', 'id of the job'),
    idle('port p', 'the port stands behind the server', '<port>'),
  ],
  otherwise: { unless: [], words: ['--terse'] },
}
