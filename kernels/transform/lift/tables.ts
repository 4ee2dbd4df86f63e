// The compiler's own numbers for kinds of expressions, operators and types: its declarations have them as constants that cannot be imported.
import * as assemblyscript from 'assemblyscript';

/** A compiled expression: the address of a node of Binaryen's tree. 0 is none. */
export type Ref = number;

type Table<Name extends string> = Readonly<Record<Name, number>>;

type Kind =
  Split<'Block|If|Loop|Break|Call|LocalGet|LocalSet|GlobalGet|GlobalSet|Load|Store|Const|Unary|Binary|Select|Drop|Return|MemorySize|Nop|Unreachable'>;
type Split<Names extends string> = Names extends `${infer First}|${infer Rest}` ? First | Split<Rest> : Names;

type Integer = Split<'Add|Sub|Mul|And|Or|Xor|Shl|Shr|Eq|Ne|Lt|Le|Gt|Ge'>;
type Unsigned = Split<'Shr|Lt|Le|Gt|Ge|Div'>;
type Lanes = 'F64x2' | 'F32x4';
type Float = 'F64' | 'F32';

interface Tables {
  readonly ExpressionId: Table<Kind>;
  readonly BinaryOp: Table<
    `${Integer}${'I32' | 'I64'}` | `${Unsigned}${'U32' | 'U64'}` | `${Split<'Add|Sub|Mul|Div|Min|Max'>}${Float | Lanes}`
  >;
  readonly UnaryOp: Table<
    | 'EqzI32'
    | 'ExtendI32ToI64'
    | 'ExtendU32ToU64'
    | 'WrapI64ToI32'
    | `Splat${Lanes}`
    | `${Split<'Abs|Neg|Sqrt|Ceil|Floor|Trunc|Nearest'>}${Float | Lanes}`
  >;
  readonly SIMDLoadOp: Table<'Load64Zero' | 'Load32Zero'>;
  readonly SIMDLoadStoreLaneOp: Table<'Load64Lane' | 'Load32Lane'>;
  readonly TypeRef: Table<'None' | 'Unreachable' | 'I32' | 'I64' | 'F32' | 'F64' | 'V128'>;
}

const { ExpressionId, BinaryOp, UnaryOp, SIMDLoadOp, SIMDLoadStoreLaneOp, TypeRef } =
  assemblyscript as unknown as Tables;

export {
  BinaryOp as BINARY,
  ExpressionId as KIND,
  SIMDLoadOp as LOAD,
  SIMDLoadStoreLaneOp as LOAD_LANE,
  TypeRef as TYPE,
  UnaryOp as UNARY,
};
