/** Every command by the name that callers use. */
import Env from './env.js'
import Query from './query.js'
import QueryDn from './query-dn.js'
import QueryMyproxyTimeleft from './query-myproxy-timeleft.js'
import QueryProxyFilename from './query-proxy-filename.js'
import QueryProxyTimeleft from './query-proxy-timeleft.js'

export const COMMANDS = {
  env: Env,
  query: Query,
  'query-dn': QueryDn,
  'query-myproxy-timeleft': QueryMyproxyTimeleft,
  'query-proxy-filename': QueryProxyFilename,
  'query-proxy-timeleft': QueryProxyTimeleft,
}
