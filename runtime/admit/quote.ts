// Names from a guest's bytes, fit to stand in a message.

/** In quotes, shortened, without control characters: a message goes to terminals and logs. */
export function quote(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 77)}...` : name;
  return `"${short.replace(/[^\x20-\x7e]/g, '?')}"`;
}
