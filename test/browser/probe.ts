// A guest that has broken out of its engine, as far as that goes: JavaScript of its own in a worker that is served as kernel workers are. It tries the
// ways out that were found when this was designed, towards its own site and another server, and says which were open.

/** Text of a worker's script. It is sent `[site, other]`, two origins, and posts the names of the ways that were open, of all that were tried. */
export const PROBE = String.raw`
const heard = (target, good) => new Promise((resolve, reject) => {
  target.addEventListener(good, resolve);
  target.addEventListener('error', () => reject(new Error('refused')));
});
const missing = () => { throw new Error('not here'); };
const blob = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
const waysTo = (site, other) => ({
  'fetch of the site': () => fetch(site + '/probe-fetch'),
  'fetch of another': () => fetch(other + '/fetch'),
  'fetch without CORS': () => fetch(other + '/no-cors', { mode: 'no-cors' }),
  'fetch of data': () => fetch('data:text/plain,hi'),
  XMLHttpRequest: () => { const x = new XMLHttpRequest(); x.open('GET', other + '/xhr', false); x.send(); },
  WebSocket: () => heard(new WebSocket(other.replace('http', 'ws') + '/ws'), 'open'),
  EventSource: () => heard(new EventSource(other + '/events'), 'open'),
  'importScripts of another': () => importScripts(other + '/script'),
  'importScripts of the site': () => importScripts(site + '/browser/way-out.js'),
  'importScripts of data': () => importScripts('data:text/javascript,self.a=1'),
  'importScripts of a blob': () => importScripts(blob('self.a=2')),
  'import of another': () => import(other + '/module'),
  'import of data': () => import('data:text/javascript,export default 1'),
  'import of a blob': () => import(blob('export default 1')),
  'nested worker of the site': () => heard(new Worker(site + '/browser/way-out.js'), 'message'),
  'nested worker of a blob': () => heard(new Worker(blob("fetch('" + other + "/nested', { mode: 'no-cors' }).then(() => postMessage(1), () => setTimeout(() => { throw 0 }))")), 'message'),
  eval: () => (0, eval)('1'),
  Function: () => new Function('return 1')(),
  'setTimeout of a text': () => new Promise((resolve, reject) => { self.ran = resolve; setTimeout('ran()'); setTimeout(reject, 200, new Error('not run')); }),
  WebTransport: () => (self.WebTransport ? new WebTransport(other.replace('http:', 'https:') + '/transport').ready : missing()),
  WebSocketStream: () => (self.WebSocketStream ? new WebSocketStream(other.replace('http', 'ws') + '/stream').opened : missing()),
  RTCPeerConnection: () => (self.RTCPeerConnection ? new RTCPeerConnection() : missing()),
  sendBeacon: () => (navigator.sendBeacon ? navigator.sendBeacon(other + '/beacon') : missing()),
  SharedWorker: () => (self.SharedWorker ? new SharedWorker(site + '/browser/way-out.js') : missing()),
  'fetch that stays': () => fetch(other + '/keepalive', { method: 'POST', mode: 'no-cors', keepalive: true, body: 'x' }),
  'a stream as an upload': () => fetch(other + '/upload', { method: 'POST', duplex: 'half', body: new Blob(['x']).stream() }),
});
onmessage = async ({ data: [site, other] }) => {
  const ways = Object.entries(waysTo(site, other));
  const open = await Promise.all(ways.map(async ([name, way]) => {
    const late = new Promise((resolve) => setTimeout(resolve, 3000, 'late'));
    try {
      return (await Promise.race([Promise.resolve().then(way), late])) === 'late' ? undefined : name;
    } catch {
      return undefined;
    }
  }));
  postMessage({ tried: ways.length, open: open.filter(Boolean) });
};
`;
