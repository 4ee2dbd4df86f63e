// The door `lodger/kernel`: everything a kernel's author may import.
export { fail } from "./exit";
