package io.mapfs.fuse.jnr;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.CallingConvention;
import com.kenai.jffi.Invoker;
import com.kenai.jffi.Type;
import java.util.Arrays;

/** A C function that is known by its address, with parameters of 64 bits. */
final class NativeFunction {
  private static final Invoker INVOKER = Invoker.getInstance();

  private final long address;
  private final CallContext context;

  private NativeFunction(long address, Type result, int parameters) {
    Type[] types = new Type[parameters];
    Arrays.fill(types, Type.SINT64);
    this.address = address;
    this.context = CallContext.getCallContext(result, types, CallingConvention.DEFAULT, false);
  }

  /** One of five parameters that answers an address. */
  static NativeFunction ofFive(long address) {
    return new NativeFunction(address, Type.SINT64, 5);
  }

  /** One of four parameters that answers an int. */
  static NativeFunction ofFour(long address) {
    return new NativeFunction(address, Type.SINT32, 4);
  }

  long address() {
    return address;
  }

  int call(long a, long b, long c, long d) {
    return (int) INVOKER.invokeN4(context, address, a, b, c, d);
  }

  long call(long a, long b, long c, long d, long e) {
    return INVOKER.invokeN5(context, address, a, b, c, d, e);
  }
}
